"""The forms of sentences about books: what may be said, how, and what else may stand around it.

`[a|b]` chooses, and may be nested.  {T} is the title with its quotation marks, {a} {y} {p} are author, year and
publisher, {a's} is the possessive.  All other slots hold things that are not to be extracted: {noun} {adj} {age} {n}
{w} (any word) {who} (another person) {Name} {house} (another publisher) {y0} (an earlier year) {y2} (a later year).
"""

from __future__ import annotations

__all__ = ["ABSENT", "ADJECTIVES", "FILLERS", "LEADS", "LOOSE", "MORE", "NOUNS", "OPEN", "TAILS", "VERBS"]

OPEN: dict[str, list[str]] = {
    "": [
        "{T} is [a|an] {adj} [novel|poem|story|book|tale] [about|of|on] {filler}.",
        "{T} is [a|the] {noun} [about|of|on] {filler}.",
        "[We read|I read|They sell|Have you read|I have just finished|She gave me|Everybody talks about] {T}[.|| last week.| again.]",
        "[The book|The novel|The title|This {noun}] is [called|named|entitled] {T}.",
        "[Title|Book|Name]: {T}.",
        "{T}. {Filler}.",
        "{T} {verb}.",
        "In {T}[,|] {who} [tells|writes|learns] of {filler}.",
        "[Few|Many|Some] [people|readers] [have finished|know|love] {T}, {filler}.",
        "{T}, a {adj} {noun}, {verb}.",
    ],
    "a": [
        "{T} [was written|is|was] by {a}[.|, who was born in {y0}.|, and it {verb}.]",
        "{T} is [a|the|one] [|first |second |best-known |last |only |longest ]{noun} [by|of|from] {a}.",
        "{a} [wrote|is the author of|finished|is known for|gave us|penned|is best known for|has written] {T}[.|, {filler}.]",
        "{a's} [|famous |first |last |great |{adj} ][novel |book |{noun} |]{T} [is|tells of] {filler}.",
        "{a's} [|famous |first |last |{adj} ][novel |book |]{T} {verb}.",
        "[I am reading|We discussed|My aunt gave me|She loves|We are selling|He forgot|I enjoyed] {T} by {a}[.| on holiday.| once more.]",
        "{T}, [written |a novel |a book |a {noun} |]by {a}, [is {filler}|{verb}].",
        "[The author of|The writer of|The hand behind] {T} [is|was] {a}.",
        "{a}: {T}.",
        "{T} by {a}[.|]",
        "{T} [-|–|/|•] {a}.",
        "[Author|By|Writer]: {a}[.|;|,| -|\n] [Title|Book|Work]: {T}.",
        "Title: {T}[.|;|,|\n] [Author|By|Written by]: {a}.",
        "{a} was [|only |just |barely |about ]{age} [when [he|she] wrote|at the time of|while writing] {T}.",
        "At [the age of |]{age}[,|] {a} wrote {T}.",
        "When {a} wrote {T}, [nobody noticed|the critics laughed|it {verb}].",
        "[Have you read|Do you know|Who has borrowed] {T} by {a}?",
        "{T}\n[by |]{a}",
        "{T}\n\n[by |A novel by |]{a}[\n{Filler}.|]",
        "{a}\n{T}[\n{Filler}.|]",
        "With {T}[,|] {a} [won|lost|changed] everything.",
    ],
    "y": [
        "{T} [came out|appeared|was published|was first published|was printed|was first printed|dates from|was released] in {y}[.|, {filler}.| and {verb}.]",
        "{T} ({y}) [is {filler}|{verb}].",
        "In {y}[,|] {T} [came out|appeared|was published|went on sale|was released].",
        "{T} is a {noun} [of|from|published in] {y}.",
        "{T}[,| (|. |: ]{y}.",
        "{T} is set in {y0} and [came out|was published|appeared] in {y}.",
        "Title: {T}[.|;|,|\n] [Year|Published|First published|Date]: {y}.",
        "[Published|First published|Released|Printed] in {y}, {T} [is {filler}|{verb}].",
        "The [first edition|original edition] of {T} [dates from|is from|came out in] {y}.",
        "It was in {y} that {T} [came out|appeared|first saw print].",
        "{T}\n{y}",
    ],
    "p": [
        "{T} [was published|was brought out|was issued|was printed|is published|came out|is sold] by {p}[.|, {filler}.| and {verb}.]",
        "{p} [published|issued|brought out|printed|is the publisher of] {T}.",
        "{T} [appeared|came out] [with|at|from] {p}.",
        "{T}, {p}.",
        "{T} ({p}).",
        "[The publisher of {T}|{T's} publisher] [is|was] {p}.",
        "Title: {T}[.|;|,|\n] [Publisher|Published by]: {p}.",
        "{T}, [published |issued |]by {p}, {verb}.",
    ],
    "ay": [
        "{T} was [written|published|finished] by {a} in {y}.",
        "In {y}[,|] {a} [published|wrote|finished|brought out|released] [|[his|her] {adj} {noun} ]{T}.",
        "{a} [published|wrote|finished|brought out|released|completed] [|[his|her] first {noun}, ]{T} in {y}[.|, {filler}.| when [he|she] was {age}.]",
        "{T} ({y}) [was written |is |]by {a}.",
        "{T} by {a} ({y})[.|]",
        "{a} is the author of {T} ({y}).",
        "{T}, a {noun} by {a}, [came out|appeared|was published] in {y}.",
        "{T}, {a's} {noun} [of|from] {y}, {verb}.",
        "{a's} [novel |book |first novel |{adj} {noun} |]{T} [came out|appeared|was published|was first printed|dates from] [in|] {y}.",
        "[Published|First published|Printed|Written] in {y}, {T} is [the work of|a {noun} by|a book by] {a}.",
        "{a}, {T}, {y}.",
        "{a} ({y})[:|.|,] {T}.",
        "{a}[:|.|,] {T}[,|.| (]{y}.",
        "It was [|in ]{y} [when|that] {a} [finished|published|wrote] {T}.",
        "{a} was [|only |just |already |almost ]{age} when [[his|her] [first |last |]{noun}[,|] {T}[,|]|{T}, [his|her] {adj} {noun},|{T}] [was published|came out|appeared] in {y}.",
        "[The year {y} saw|{y} was the year of|{y} brought] {T} by {a}.",
        "{a} (born {y0}) [published|wrote] {T} in {y}.",
        "{T} is a {y} {noun} by {a}.",
        "[Author|By]: {a}[.|;|\n] Title: {T}[.|;|\n] [Year|Published]: {y}.",
        "{T}\n{a}\n{y}",
        "{T}, written by {a} in {y}, {verb}.",
    ],
    "ap": [
        "{T} was written by {a} and [published|printed|issued] by {p}.",
        "{a's} [novel |book |]{T} [was published|is published|came out|appeared] [by|with|at] {p}.",
        "{p} [published|issued|brought out|has just published] {T} by {a}.",
        "{p} [published|issued|brought out] {a's} [|{adj} |first ][{noun} |]{T}.",
        "{a}, {T}, {p}.",
        "{a}: {T} ({p}).",
        "{T}, by {a} ({p}).",
        "{T} by {a}, [from|published by] {p}.",
        "{a} [wrote|finished] {T} for {p}.",
        "{p}\n\n{T}\n\n[by |]{a}",
        "{T}\n{a}\n{p}",
        "[Author|By]: {a}[.|;|\n] Title: {T}[.|;|\n] [Publisher|Published by]: {p}.",
    ],
    "yp": [
        "{T} [was published|was issued|was brought out|was printed|came out] [by {p} in {y}|in {y} by {p}|in {y} at {p}].",
        "In {y}[,|] {p} [published|issued|brought out|printed] {T}.",
        "{p} [published|issued|brought out] {T} in {y}.",
        "{T} ({p}, {y}).",
        "{T}. {p}, {y}.",
        "{T}[.|,] {y}. {p}.",
        "{T}, [published|issued] [in {y} by {p}|by {p} in {y}], [is {filler}|{verb}].",
        "Title: {T}[.|;|\n] [Publisher|Published by]: {p}[.|;|,|\n] [Year|Date]: {y}.",
        "{p}, {y}: {T}.",
        "[Published|Issued|First published] by {p} in {y}, {T} {verb}.",
    ],
    "ayp": [
        "{a's} [novel |book |{noun} |]{T}, [published|issued|brought out|printed] [by {p} in {y}|in {y} by {p}], [is {filler}|{verb}].",
        "{a's} [novel |book |{adj} {noun} |]{T} was [published|issued|brought out] [by {p} in {y}|in {y} by {p}].",
        "{T} [was|is] [written |]by {a} and [was |]published [by {p} in {y}|in {y} by {p}].",
        "{T} was written by {a} and [came out|appeared] in {y} [with|from|at] {p}.",
        "In {y}[,|] {p} [published|issued|brought out] {T}, [a {noun} |a book |]by {a}.",
        "In {y}[,|] {p} [published|issued|brought out] {a's} [{noun} |first {noun} |]{T}.",
        "{a}, {T}, {p}, {y}.",
        "{a}[,|:] {T}, {y}, {p}.",
        "{a}[:|,|.] {T}. {p}, {y}.",
        "{a}. {T}. {Name}: {p}, {y}.",
        "{a}. {y}. {T}. {p}.",
        "{a} ({y})[.|,|:] {T}. {p}.",
        "{a}, {T} ({p}, {y}).",
        "{a}, {T} ({Name}: {p}, {y}), {n} pages.",
        "{T}, by {a} ({p}, {y}).",
        "{T} by {a} ({p}, {y}) [is {filler}|{verb}].",
        "{T} [-|–|/] {a} [-|–|/] {p} [-|–|/|,] {y}.",
        "{p} [published|brought out|issued] {a's} {T} in {y}.",
        "{a} was [|only |just |already |almost ]{age} when {p} [published|brought out|printed] {T} in {y}.",
        "{a} was [|only |just ]{age} when {T}, [[his|her] {adj} {noun}, |]came out [with|at] {p} in {y}.",
        "{a} was [|already ]{age} when [his|her] [second |last |]{noun}[,|] {T}[,|] [was brought out|was published|was issued] by {p} in {y}.",
        "[In {y}, at|At] the age of {age}, {a} published {T} [with|at] {p}, {y}.",
        "Title: {T}[.|;|,|\n] Author: {a}[.|;|,|\n] Publisher: {p}[.|;|,|\n] Year: {y}.",
        "[Author|By]: {a}[.|;|,|\n] [Title|Book]: {T}[.|;|,|\n] [Year|Published]: {y}[.|;|,|\n] Publisher: {p}.",
        "[First published|Published] [by {p} in {y}|in {y} by {p}], {T} [is|was] [a {noun} by|the work of|written by] {a}.",
        "{T}, [a novel|a book|a {noun}|written] by {a}, was [first |]published [in {y} by {p}|by {p} in {y}].",
        "{a} wrote {T}, [which {p} published in {y}|which was published by {p} in {y}|published in {y} by {p}].",
        "{p}\n\n{T}\n\n[by |]{a}\n\n{y}",
        "{T}\n{a}\n{p}, {y}",
        "{a} [sent|sold|gave] {T} to {p}, [who|which] [published|printed] it in {y}.",
    ],
}
"""The first sentence, by what it tells apart from the title."""

MORE: dict[str, list[str]] = {
    "a": [
        "[It|The book|The novel|The {noun}] was written by {a}.",
        "[Its|The|The book's] [author|writer] [is|was] {a}.",
        "{a} [wrote it|is its author|is the author|is the [man|woman] who wrote it].",
        "{a} was [|only |just ]{age} when [he|she] wrote it.",
        "[Author|By|Written by]: {a}.",
        "It is by {a}.",
        "[It|The {noun}] is [the {adj} work|the work|the first book] of {a}.",
    ],
    "y": [
        "[It|The book|The novel|The {noun}] [came out|appeared|was published|was first published|was printed|was released] in {y}[.|, {filler}.]",
        "[It|The book|The {noun}] dates from {y}.",
        "[First published|First printed|Published|First edition|Year|Date]: {y}.",
        "[It|The {noun}] [came out|appeared] in {y} and {verb}.",
        "[She|He] was [|only |already |about ]{age} [at the time|then|when it came out]: it [appeared|was published] in {y}.",
        "[When it [appeared|came out] in {y}, [she|he]|[She|He]] was {age}[, and the year was {y}|; it is from {y}].",
        "[The year was|That was in|It was the year] {y}.",
        "[First printing|First print run|It first went on sale]: {y}.",
        "It is set in {y0} but [came out|was published] in {y}.",
        "[She|He] was {age} when it was printed[, in| in|; that was in] {y}.",
        "It won the {Name} Prize after it [came out|appeared] in {y}.",
    ],
    "p": [
        "[It|The book|The {noun}] [was published|was brought out|was issued|came out] by {p}.",
        "{p} [published|issued|printed|brought out] it[.| and sold {n} copies.]",
        "[Publisher|Published by]: {p}.",
        "[The|Its] publisher [was|is] {p}.",
        "[It|The book] appeared [at|with] {p}.",
    ],
    "ay": [
        "{a} [wrote|published|finished] it in {y}.",
        "[It|The book] was [written|published] by {a} in {y}.",
        "In {y} {a} [published|finished] it.",
    ],
    "ap": [
        "It was written by {a} and published by {p}.",
        "{p} published it for {a}.",
        "The author is {a}, the publisher [is |]{p}.",
    ],
    "yp": [
        "[It|The book|The novel] was [first |]published [by {p} in {y}|in {y} by {p}].",
        "{p} [published|issued|brought out] it in {y}.",
        "[Published by |]{p}, {y}.",
        "It [came out|appeared] in {y} [with|from|at] {p}.",
        "In {y} {p} brought it out.",
    ],
    "ayp": [
        "{a} wrote it, and {p} published it in {y}.",
        "{p} published it in {y}; the author is {a}.",
        "It was written by {a} and [published|issued] [by {p} in {y}|in {y} by {p}].",
    ],
}
"""What a later sentence tells of the book named before."""

ABSENT: dict[str, list[str]] = {
    "a": [
        "[Nobody|No one] [can say|has found out|remembers] who [wrote it|the author was][.|; the date is lost too.| and in which year.]",
        "[The|Its] author is [unknown|not known|anonymous|lost to us].",
        "[The|Its] author's name is [not given|lost|missing][.| and so is the date.]",
        "The [book|poem|story|{noun}] is anonymous.",
        "[It was|The book was] published without [a name|the author's name].",
        "[We do not know|It is not known] [who wrote it|whose work it is].",
    ],
    "y": [
        "[The year|The date] is [unknown|not given|not known|missing].",
        "[We do not know|It is not known|Nobody can say] when it [was written|came out].",
        "Undated.",
    ],
    "p": ["[The publisher is|Its publisher is] not [named|given].", "[It was printed privately|It had no publisher]."],
}
"""What a sentence says of a thing that the document does not tell."""

LOOSE = [
    "It was [reprinted|reissued|translated|filmed] in {y2}[.| by {house}.]",
    "[The second edition|A new edition|The film|The paperback] [followed|came out|appeared] in {y2}[.|, [at|with] {house}.]",
    "[Translated|Illustrated|Edited|Introduced] by {who}.",
    "{who} [translated|illustrated|reviewed|recommended] it.",
    "[The translation|The foreword|The cover] is by {who}.",
]
"""Sentences with other years, people and publishers, for a document that has told its own."""

TAILS = [
    "{Filler}.",
    "It {verb}.",
    "It is {filler}.",
    "[He|She] [never wrote another one|wrote it in {n} days|lived in {Name}].",
    "I liked it [a lot|very much|less than the last one].",
    "The cover is [red|blue|green|black|lovely].",
    "It has {n} pages.",
    "My [aunt|uncle|sister|teacher|neighbour] [recommended it|gave it to me|hated it].",
    "The critics [loved|hated|ignored] it.",
    "[Paperback|Hardcover|Hardback], {n} pages[.|, {n} [euros|dollars|pounds].]",
    "It is [in stock|sold out|on shelf {n}].",
    "[Many|{n}] people [like|own|bought] it.",
    "[An old man|A boy|A soldier|A queen] [loses|finds|meets] [a ring|his way|a talking bird|an enemy] and [goes home|keeps silent|learns to laugh].",
    "It {verb} and {verb}.",
    "[A|An old|One] {w} [sees|hears|follows|finds] [a|the|another] {w} [and|but|until] the {w} [goes|falls|sings|vanishes] [away|again|at last].",
    "[It|The {noun}] [did|does] not [have|need|show|hide] [its|the|a] {w} on the {w}[.|, but in the {w}.]",
    "[He|She|Nobody] [had|wanted|forgot] [a|the|every] {w}, and [no|each] {w} [was|is] {w}.",
    "[There are|We have] {n} {w}s in the {w} of {Name}[.| and {Name}.]",
]

FILLERS = (
    "a story of [two|three] [brothers|sisters|friends]; [a|one] long winter; the last days of a city; a boy who lives in a "
    "lighthouse; a valley of [ice|water|glass]; the sea and those who live by it; more than [five|six|twenty] hundred "
    "pages long; a man who cannot sleep; [love|war|money] and what comes after; an old house in the hills; the price of "
    "silence; [set|at home] in a [harbour|village|monastery] where nobody [speaks|sleeps]; full of [maps|jokes|letters]; "
    "a dog that sings; a journey to the north; a family that loses everything; life in a small town; the last days of a "
    "king; a war nobody wins; a detective with a bad memory; a Norse saga in verse; a tale told by a fox; hard to forget; "
    "funnier than it looks; the best of its kind; a classic by now; about growing up; what happens when the lights go out; "
    "a play in [three|five] acts; [sad|long|strange] but [short|true|beautiful]; a secret between two sisters; the one "
    "city where [gold|rain|music] can be bought; [a|the|another] {w} [and|or|of] [a|the] {w}; [a|the] {w} that [is|was|knows] [the|a|no] {w} of the {w}; [a|one] {w} [whose|with a] {w} [is|was] {w}; set [on|in|under] a {w} of {w}s [that|where] [many|few] {w}; a country with a [queen|river|law] of its own"
).split("; ")

VERBS = (
    "[won|was awarded|received] [a|the] {Name} [Award|Prize|Medal]; won the {Name} Prize and the {Name} Medal; sold {n} "
    "copies; was soon forgotten; has {n} pages; was made into a film; is still read today; costs {n} "
    "[euros|dollars|pounds]; divided the critics; has been translated into {n} languages; made [him|her] famous; is about "
    "{filler}; tells of {filler}; is set in {Name}; takes place [in {Name}|on a ship|at sea]; begins with a murder; makes "
    "[you|everyone|its readers] [laugh|cry|think]; runs to {n} pages; was banned in {n} countries; is {filler}"
).split("; ")

LEADS = (
    "From the catalogue; New in the library; Dear reader; A note from our book club; Recommended; Blurb; On the shelf; "
    "Review; Shop talk; Reading list; Today; Book of the week; {n}; Catalogue no. {n}; Hello"
).split("; ")

NOUNS = (
    "novel novel novel book book book story poem memoir play essay biography thriller romance collection tale epic "
    "comedy tragedy satire study textbook cookbook diary classic"
).split()

ADJECTIVES = (
    "old long strange short famous early late great little funny sad difficult popular forgotten modern".split()
)
