#include "server/net/response_head.hpp"

#include <charconv>
#include <cstring>

namespace sagelet::net {

namespace {

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end);
}

/// Any byte below 16, eight at a time: the three that must not be there, and others that hardly ever are.
bool may_break_lines(std::string_view text) {
  constexpr std::uint64_t kOnes = ~0ull / 255;
  std::uint64_t found = 0;
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    found |= (word - kOnes * 16) & ~word;
  }
  for (const char c : text) found |= static_cast<unsigned char>(c) < 16 ? kOnes * 128 : 0;
  return (found & kOnes * 128) != 0;
}

void append_clean(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out += text;
  if (!may_break_lines(text)) return;
  for (std::size_t i = start; i < out.size(); ++i)
    if (out[i] == '\r' || out[i] == '\n' || out[i] == '\0') out[i] = ' ';
}

bool is_framing_field(std::string_view name) {
  switch (name.size()) {
    case 10:
      return http::same_name(name, "connection") || http::same_name(name, "keep-alive");
    case 14:
      return http::same_name(name, "content-length");
    case 17:
      return http::same_name(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_fields(std::string& out, const http::Response& response, std::string_view date) {
  bool has_date = false;
  bool has_server = false;
  for (const http::Header& field : response.headers) {
    if (is_framing_field(field.name)) continue;
    has_date = has_date || http::same_name(field.name, "date");
    has_server = has_server || http::same_name(field.name, "server");
    append_clean(out, field.name);
    out += ": ";
    append_clean(out, field.value);
    out += "\r\n";
  }
  if (!has_date) out.append("Date: ").append(date).append("\r\n");
  if (!has_server) out += "Server: Sagelet\r\n";
}

}  // namespace

Framing framing_of(const http::Response& response, const RequestFacts& request) {
  Framing framing;
  framing.close = response.close || !request.keep_alive;
  const auto length = http::length_of(response.body);
  if (response.status == 204 || response.status == 304 || response.status < 200) {
    if (response.status == 304) framing.length = response.content_length_only;
  } else if (request.is_head) {
    framing.length = response.content_length_only ? response.content_length_only : length;
  } else if (length) {
    framing.length = length;
    framing.sends_body = *length > 0;
  } else {
    framing.sends_body = true;
    framing.chunked = !request.is_http10;
    framing.close = framing.close || request.is_http10;
  }
  return framing;
}

void append_head(std::string& out, const http::Response& response, const Framing& framing,
                 const RequestFacts& request, std::string_view date) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(http::reason_phrase(response.status)).append("\r\n");
  append_fields(out, response, date);
  if (framing.length) {
    out += "Content-Length: ";
    append_number(out, *framing.length);
    out += "\r\n";
  }
  if (framing.chunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing.close) {
    out += "Connection: close\r\n";
  } else if (request.is_http10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

}  // namespace sagelet::net
