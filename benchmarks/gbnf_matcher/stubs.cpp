// What the converter and the grammar need of the rest of llama.cpp.
#include "common.h"
#include "llama-impl.h"
#include "llama-vocab.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
extern "C" void ggml_abort(const char * file, int line, const char * fmt, ...) {
    va_list args; va_start(args, fmt); fprintf(stderr, "%s:%d: ", file, line); vfprintf(stderr, fmt, args); va_end(args);
    abort();
}
void llama_log_internal(ggml_log_level, const char *, ...) {}
int32_t llama_vocab::tokenize(const char *, int32_t, llama_token *, int32_t, bool, bool) const { return 0; }
std::string string_repeat(const std::string & s, size_t n) { std::string out; for (size_t i = 0; i < n; i++) out += s; return out; }
std::string string_join(const std::vector<std::string> & v, const std::string & sep) {
    std::string out;
    for (size_t i = 0; i < v.size(); i++) out += (i ? sep : std::string()) + v[i];
    return out;
}
std::vector<std::string> string_split(const std::string & s, const std::string & d) {
    std::vector<std::string> out; size_t from = 0, at;
    while ((at = s.find(d, from)) != std::string::npos) { out.push_back(s.substr(from, at - from)); from = at + d.size(); }
    out.push_back(s.substr(from));
    return out;
}
