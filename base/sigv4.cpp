#include "base/sigv4.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "fmt/format.h"

namespace sagelet::sigv4 {

namespace {

constexpr char kHexUpper[] = "0123456789ABCDEF";

bool unreserved(unsigned char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Outer blanks go, inner runs of blanks become one.
void append_value(std::string& out, std::string_view value) {
  const std::size_t start = out.size();
  bool blank = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      blank = out.size() > start;
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    out += c;
  }
}

/// Removes "." and ".." segments and doubled slashes, as services other than S3 want it.
std::string normalised(std::string_view path) {
  std::vector<std::string_view> kept;
  std::string_view rest = path;
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    const auto segment = rest.substr(0, slash);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

void append_path(std::string& out, const CanonicalRequest& request) {
  if (request.path.empty()) {
    out += '/';
  } else if (request.is_s3) {
    out += request.path;
  } else {
    out += percent_encode(normalised(request.path), true);
  }
}

void append_query(std::string& out, const CanonicalRequest& request) {
  if (request.query.empty()) return;
  std::vector<std::string> pairs;
  std::string_view rest = request.query;
  while (true) {
    const auto amp = rest.find('&');
    const auto item = rest.substr(0, amp);
    const auto equals = item.find('=');
    const auto name = item.substr(0, equals);
    if (!item.empty() && !(request.without_signature && name == "X-Amz-Signature")) {
      // Decoded and encoded again: clients differ in what they escape, the signature does not.
      std::string pair = percent_encode(percent_decode(name));
      pair += '=';
      if (equals != std::string_view::npos) pair += percent_encode(percent_decode(item.substr(equals + 1)));
      pairs.push_back(std::move(pair));
    }
    if (amp == std::string_view::npos) break;
    rest.remove_prefix(amp + 1);
  }
  // By name, then by value; '=' would sort after digits, so names are compared apart.
  std::sort(pairs.begin(), pairs.end(), [](const std::string& a, const std::string& b) {
    const std::string_view name_a = std::string_view(a).substr(0, a.find('='));
    const std::string_view name_b = std::string_view(b).substr(0, b.find('='));
    return name_a != name_b ? name_a < name_b : a < b;
  });
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) out += '&';
    out += pairs[i];
  }
}

}  // namespace

std::string Scope::str() const {
  return fmt::format("{}/{}/{}/aws4_request", date, region, service);
}

std::string canonical_text(const CanonicalRequest& request) {
  std::string out;
  out.reserve(512);
  out.append(request.method).append("\n");
  append_path(out, request);
  out += '\n';
  append_query(out, request);
  out += '\n';
  for (const auto& [name, value] : request.signed_headers) {
    out.append(name).append(":");
    append_value(out, value);
    out += '\n';
  }
  out += '\n';
  bool first = true;
  for (const auto& [name, value] : request.signed_headers) {
    if (!first) out += ';';
    first = false;
    out += name;
  }
  out.append("\n").append(request.payload_hash);
  return out;
}

std::string string_to_sign(std::string_view amz_date, const Scope& scope, std::string_view canonical) {
  return fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", amz_date, scope.str(),
                     to_hex(Digest::of(DigestKind::kSha256, canonical)));
}

std::string signing_key(std::string_view secret, const Scope& scope) {
  const std::string date = hmac_sha256(std::string("AWS4").append(secret), scope.date);
  const std::string region = hmac_sha256(date, scope.region);
  const std::string service = hmac_sha256(region, scope.service);
  return hmac_sha256(service, "aws4_request");
}

std::string signature(std::string_view key, std::string_view text) {
  return to_hex(hmac_sha256(key, text));
}

std::string percent_encode(std::string_view bytes, bool keep_slash) {
  std::string out;
  out.reserve(bytes.size() + 16);
  for (const unsigned char c : bytes) {
    if (unreserved(c) || (keep_slash && c == '/')) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHexUpper[c >> 4];
      out += kHexUpper[c & 15];
    }
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace sagelet::sigv4
