#pragma once

namespace sagelet::cli {

#ifndef SAGELET_VERSION
#error "the build defines SAGELET_VERSION"
#endif
inline constexpr auto kVersion = SAGELET_VERSION;

}  // namespace sagelet::cli
