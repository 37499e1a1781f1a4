// One JSON document per line: {"schema": ..., "texts": [...], "grammar": bool} -> {"error"| "accepts": [bool], "chars"}.
#include "json-schema-to-grammar.h"
#include "common.h"
#include "llama-grammar.h"
#include <nlohmann/json.hpp>
#include <iostream>
#include <chrono>
using J = nlohmann::ordered_json;
static bool matches(llama_grammar * g0, const std::string & text) {
    llama_grammar * g = llama_grammar_clone_impl(*g0);
    auto & stacks = llama_grammar_get_stacks(g);
    bool ok = true;
    for (size_t i = 0; i < text.size();) {
        unsigned char b = text[i];
        int n = b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
        uint32_t c = n == 1 ? b : b & (0xFF >> (n + 1));
        for (int k = 1; k < n; k++) c = (c << 6) | (text[i + k] & 0x3F);
        i += n;
        llama_grammar_accept(g, c);
        if (stacks.empty()) { ok = false; break; }
    }
    if (ok) { ok = false; for (auto & s : stacks) if (s.empty()) { ok = true; break; } }
    llama_grammar_free_impl(g);
    return ok;
}
int main() {
    std::string line;
    while (std::getline(std::cin, line)) {
        J in = J::parse(line), out;
        auto t0 = std::chrono::steady_clock::now();
        try {
            std::string text = in.contains("gbnf") ? in["gbnf"].get<std::string>() : json_schema_to_grammar(common_json::parse(in["schema"].dump()), true);
            auto t1 = std::chrono::steady_clock::now();
            if (in.contains("grammar")) out["grammar"] = text;
            out["convert_ms"] = std::chrono::duration<double, std::milli>(t1 - t0).count();
            out["chars"] = text.size();
            llama_grammar * g = llama_grammar_init_impl(nullptr, text.c_str(), "root", false, nullptr, 0, nullptr, 0);
            if (!g) { out["error"] = "GBNF parse failed"; }
            else {
                out["accepts"] = J::array();
                for (auto & t : in["texts"]) out["accepts"].push_back(matches(g, t.get<std::string>()));
                llama_grammar_free_impl(g);
            }
            out["match_ms"] = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - t1).count();
        } catch (const std::exception & e) { out["error"] = e.what(); }
        std::cout << out.dump(-1, ' ', false, J::error_handler_t::replace) << std::endl;
    }
}
