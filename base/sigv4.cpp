#include "base/sigv4.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/digest.hpp"

namespace sagelet::sigv4 {

namespace {

constexpr char kHex[] = "0123456789ABCDEF";

constexpr std::array<bool, 256> kUnreserved = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool unreserved(char c) {
  return kUnreserved[static_cast<unsigned char>(c)];
}

void append_escape(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  const char escape[3] = {'%', kHex[byte >> 4], kHex[byte & 15]};
  out.append(escape, 3);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The byte an escape at text[at] stands for; -1 when it is none.
int escaped_byte(std::string_view text, std::size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return -1;
  const int high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

enum class Place { kPath, kQuery };

/// One spelling for all: what a strict encoder would have sent for the same bytes. An escaped slash stays
/// escaped.
void append_normalised(std::string& out, std::string_view sent, Place place) {
  const auto stays = [place](char c) { return unreserved(c) || (c == '/' && place == Place::kPath); };
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const std::size_t start = i;
    while (i < sent.size() && stays(sent[i])) ++i;
    out.append(sent.substr(start, i - start));
    if (i == sent.size()) return;
    const char c = sent[i];
    if (const int byte = escaped_byte(sent, i); byte >= 0) {
      i += 2;
      if (unreserved(static_cast<char>(byte)))
        out += static_cast<char>(byte);
      else
        append_escape(out, static_cast<char>(byte));
    } else if (c == '+' && place == Place::kQuery) {
      out += "%20";  // servers read it as a blank
    } else {
      append_escape(out, c);
    }
  }
}

/// Services other than S3: dot segments and doubled slashes go, then the sent text is encoded once more.
void append_folded_path(std::string& out, std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::size_t at = 0; at <= path.size();) {
    const auto slash = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, slash - at);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    at = slash + 1;
  }
  for (const std::string_view segment : segments) out.append("/").append(percent_encode(segment));
  if (segments.empty() || path.ends_with('/')) out += '/';
}

void append_path(std::string& out, const CanonicalRequest& request) {
  if (request.path.empty())
    out += '/';
  else if (request.path_as_sent)
    out += request.path;
  else if (request.is_s3)
    append_normalised(out, request.path, Place::kPath);
  else
    append_folded_path(out, request.path);
}

void append_query(std::string& out, const CanonicalRequest& request) {
  if (request.query.empty()) return;
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t at = 0; at <= request.query.size();) {
    const auto end = std::min(request.query.find('&', at), request.query.size());
    const std::string_view pair = request.query.substr(at, end - at);
    at = end + 1;
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto& [name, value] = pairs.emplace_back();
    append_normalised(name, pair.substr(0, equals), Place::kQuery);
    append_normalised(value, pair.substr(std::min(equals + 1, pair.size())), Place::kQuery);
    if (request.without_signature && name == "X-Amz-Signature") pairs.pop_back();
  }
  std::sort(pairs.begin(), pairs.end());
  for (const auto& [name, value] : pairs) {
    if (&name != &pairs.front().first) out += '&';
    out.append(name).append("=").append(value);
  }
}

/// Outer blanks go, inner runs of blanks become one.
void append_header_value(std::string& out, std::string_view value) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  bool first = true;
  for (std::size_t i = 0; i < value.size();) {
    while (i < value.size() && is_blank(value[i])) ++i;
    const std::size_t start = i;
    while (i < value.size() && !is_blank(value[i])) ++i;
    if (i == start) return;
    if (!std::exchange(first, false)) out += ' ';
    out.append(value.substr(start, i - start));
  }
}

}  // namespace

std::string Scope::str() const {
  std::string out;
  out.reserve(date.size() + region.size() + service.size() + 15);
  return out.append(date).append("/").append(region).append("/").append(service).append("/aws4_request");
}

std::string canonical_text(const CanonicalRequest& request) {
  std::string out;
  out.reserve(512 + request.path.size() + request.query.size());
  out.append(request.method).append("\n");
  append_path(out, request);
  out += '\n';
  append_query(out, request);
  out += '\n';
  for (const auto& [name, value] : request.signed_headers) {
    out.append(name).append(":");
    append_header_value(out, value);
    out += '\n';
  }
  out += '\n';
  for (const auto& header : request.signed_headers) {
    if (&header != &request.signed_headers.front()) out += ';';
    out.append(header.first);
  }
  return out.append("\n").append(request.payload_hash);
}

std::string string_to_sign(std::string_view amz_date, const Scope& scope, std::string_view canonical_text) {
  std::string out("AWS4-HMAC-SHA256\n");
  out.append(amz_date).append("\n").append(scope.str()).append("\n");
  return out.append(to_hex(Digest::of(DigestKind::kSha256, canonical_text)));
}

std::string signing_key(std::string_view secret, const Scope& scope) {
  const std::string date = hmac_sha256("AWS4" + std::string(secret), scope.date);
  const std::string region = hmac_sha256(date, scope.region);
  const std::string service = hmac_sha256(region, scope.service);
  return hmac_sha256(service, "aws4_request");
}

std::string signature(std::string_view signing_key, std::string_view string_to_sign) {
  return to_hex(hmac_sha256(signing_key, string_to_sign));
}

std::string percent_encode(std::string_view bytes, bool keep_slash) {
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    if (unreserved(c) || (keep_slash && c == '/'))
      out += c;
    else
      append_escape(out, c);
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = escaped_byte(text, i);
    out += byte >= 0 ? static_cast<char>(byte) : text[i];
    if (byte >= 0) i += 2;
  }
  return out;
}

}  // namespace sagelet::sigv4
