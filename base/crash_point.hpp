#pragma once
// Named places where a crash test may stop the program as kill -9 would.
//
// SAGELET_CRASH_AT=<name>[:<n>] in the environment makes the n-th passage (first by default) through
// crash_point(<name>) raise SIGKILL. One relaxed load otherwise.
#include <string_view>

namespace sagelet {
#ifdef SAGELET_CRASH_POINTS
void crash_point(std::string_view name);
#else
inline void crash_point(std::string_view) {}
#endif
}  // namespace sagelet
