#pragma once
// How both text formats write a string: runs at a time.
#include <string>
#include <string_view>

#include "server/wire/scalars.hpp"

namespace sagelet::wire {

/// Appends `text`: ASCII for which `plain` holds as it stands, other ASCII by `escape(out, byte)`, the rest
/// as valid UTF-8.
template <class Plain, class Escape>
void append_escaped(std::string& out, std::string_view text, Plain plain, Escape escape) {
  const auto high = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && plain(text[end])) ++end;
    out.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    if (!high(text[at])) {
      escape(out, static_cast<unsigned char>(text[at++]));
      continue;
    }
    while (end < text.size() && high(text[end])) ++end;
    append_utf8(out, text.substr(at, end - at));
    at = end;
  }
}

}  // namespace sagelet::wire
