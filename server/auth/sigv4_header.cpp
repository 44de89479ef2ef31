#include <algorithm>
#include <vector>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/hex.hpp"
#include "base/time_text.hpp"
#include "server/auth/refusals.hpp"
#include "server/auth/signature.hpp"

namespace sagelet::auth {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

bool is_day(std::string_view text) {
  return text.size() == 8 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The last piece of `text` behind a slash, taken off.
std::string_view take_last(std::string_view& text) {
  const auto slash = text.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view last = text.substr(slash + 1);
  text.remove_suffix(last.size() + 1);
  return last;
}

/// X-Amz-Date, or the Date header in either spelling, as X-Amz-Date would say it.
std::string date_of(const http::Head& head) {
  const std::string_view amz = head.headers.get("x-amz-date");
  const std::string_view text = amz.empty() ? head.headers.get("date") : amz;
  if (parse_amz_date(text)) return std::string(text);
  const auto time = parse_http_date(text);
  return time ? amz_date(*time) : std::string();
}

/// Name=value pieces between commas.
struct Fields {
  std::string_view credential, signed_headers, signature;
};
Parsed<Fields> split_fields(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string_view piece = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto equals = std::min(piece.find('='), piece.size());
    const std::string_view name = piece.substr(0, equals);
    std::string_view* const field = name == "Credential"      ? &fields.credential
                                    : name == "SignedHeaders" ? &fields.signed_headers
                                    : name == "Signature"     ? &fields.signature
                                                              : nullptr;
    if (!field || !field->empty() || equals == piece.size())
      return tl::unexpected(
          refusals::header_malformed({}, "unexpected field \"" + std::string(name) + "\"."));
    *field = piece.substr(equals + 1);
  }
  return fields;
}

}  // namespace

std::optional<std::string> read_credential(std::string_view text, V4Claim& claim) {
  std::string_view rest = text;  // from the end: nothing forbids a slash in an access key
  const std::string_view terminator = take_last(rest), service = take_last(rest), region = take_last(rest),
                         day = take_last(rest);
  if (terminator != "aws4_request" || rest.empty() || rest.size() > 256)
    return "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
  if (!is_day(day))
    return "incorrect date format \"" + std::string(day) +
           "\". This date in the credential must be in "
           "the format \"yyyyMMdd\".";
  if (!is_name(region)) return "the region '" + std::string(region) + "' is wrong; expecting 'us-east-1'";
  if (!is_name(service)) return "incorrect service \"" + std::string(service) + "\".";
  claim.access_key = rest;
  claim.scope = {std::string(day), std::string(region), std::string(service)};
  return std::nullopt;
}

std::optional<Payload> read_payload(std::string_view header) {
  if (header == "UNSIGNED-PAYLOAD") return Payload{};
  if (header == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") return Payload{PayloadForm::kChunkedSigned, {}};
  if (header == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
    return Payload{PayloadForm::kChunkedSignedTrailer, {}};
  if (header == "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    return Payload{PayloadForm::kChunkedUnsignedTrailer, {}};
  if (header.size() != 64 || !is_hex(header)) return std::nullopt;
  Payload plain{PayloadForm::kPlain, std::string(header)};
  for (char& digit : plain.sha256)
    if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit - 'A' + 'a');
  return plain;
}

Parsed<V4Claim> parse_v4_header(const http::Head& head, std::string_view authorization) {
  TRY(const Fields fields, split_fields(authorization.substr(kAlgorithm.size())));
  V4Claim claim;
  if (auto wrong = read_credential(fields.credential, claim))
    return tl::unexpected(refusals::header_malformed({}, *wrong));
  if (fields.signed_headers.empty() || fields.signature.empty())
    return tl::unexpected(
        refusals::header_malformed(claim.scope.service, "SignedHeaders and Signature must not be empty."));
  if (fields.signature.size() != 64 || !is_hex(fields.signature))
    return tl::unexpected(
        refusals::header_malformed(claim.scope.service, "Signature must be 64 hexadecimal digits."));
  claim.signed_headers = fields.signed_headers;
  claim.signature = fields.signature;
  claim.amz_date = date_of(head);
  claim.session_token = head.headers.get("x-amz-security-token");
  claim.payload_hash = head.headers.get("x-amz-content-sha256");
  return claim;
}

}  // namespace sagelet::auth
