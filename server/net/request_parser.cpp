#include "server/net/request_parser.hpp"

#include <boost/beast/http/error.hpp>

namespace sagelet::net {

namespace {

constexpr std::size_t kLastChunk = 5;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

http::Response refusal(int status, std::string text) {
  http::Response response = http::Response::text(status, std::move(text));
  response.close = true;
  return response;
}

}  // namespace

RequestParser::RequestParser(std::size_t head_limit) : head_limit_(head_limit) {
  header_limit(static_cast<std::uint32_t>(head_limit));
  body_limit(boost::none);
  head_.headers.reserve(16);
}

RequestParser::Outcome RequestParser::outcome_of(const ErrorCode& code) const {
  using boost::beast::http::error;
  if (!code || code == error::need_more) return Outcome::kMore;
  if (code == error::header_limit) return Outcome::kTooLarge;
  return code == error::bad_version ? Outcome::kVersion : Outcome::kMalformed;
}

RequestParser::Outcome RequestParser::parse_head(std::string_view bytes, std::size_t& used) {
  ErrorCode error;
  eager(false);
  used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  head_bytes_ += used;
  // Beast's own limit starts anew with every field it has used up, so it alone would let a head grow for
  // ever.
  if (head_bytes_ + (head_done_ ? 0 : bytes.size() - used) > head_limit_) return Outcome::kTooLarge;
  return head_done_ && !error ? Outcome::kDone : outcome_of(error);
}

RequestParser::Outcome RequestParser::parse_body(std::string_view bytes, std::size_t& used,
                                                 const BodyTaker& take) {
  used = 0;
  // Beast 1.81 asserts five bytes where a last chunk comes in pieces. At least five are still to come before
  // the end of any chunked body ("0", two line ends), so waiting for them never waits in vain.
  if (chunked() && bytes.size() < kLastChunk) return Outcome::kMore;
  ErrorCode error;
  eager(true);
  take_ = &take;
  used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  take_ = nullptr;
  return is_done() && !error ? Outcome::kDone : outcome_of(error);
}

http::Head RequestParser::take_head() {
  if (chunked()) {
    head_.chunked = true;
  } else if (const auto length = content_length()) {
    head_.content_length = *length;
  }
  return std::move(head_);
}

void RequestParser::on_request_impl(boost::beast::http::verb, Text method, Text target, int version,
                                    ErrorCode&) {
  head_.method = view(method);
  head_.target = view(target);
  version_ = version;
}

void RequestParser::on_field_impl(boost::beast::http::field, Text name, Text value, ErrorCode&) {
  if (head_done_) return;  // a trailer of a chunked body: nobody asks for them
  head_.headers.add(std::string(view(name)), std::string(view(value)));
}

std::size_t RequestParser::on_body_impl(Text body, ErrorCode&) {
  (*take_)(view(body));
  return body.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, Text body, ErrorCode&) {
  (*take_)(view(body));
  return body.size();
}

std::optional<http::Response> head_fault(const http::Head& head, bool is_http10) {
  std::size_t hosts = 0;
  for (const http::Header& field : head.headers) hosts += http::same_name(field.name, "host") ? 1 : 0;
  if (hosts > 1 || (hosts == 0 && !is_http10))
    return refusal(400, "A request needs exactly one Host field.\n");
  if (head.headers.has("transfer-encoding")) {
    if (head.headers.has("content-length"))
      return refusal(400, "Content-Length and Transfer-Encoding exclude each other.\n");
    if (is_http10) return refusal(400, "HTTP/1.0 has no Transfer-Encoding.\n");
    if (!http::same_name(head.headers.joined("transfer-encoding"), "chunked"))
      return refusal(501, "The only Transfer-Encoding understood here is chunked.\n");
  }
  return std::nullopt;
}

}  // namespace sagelet::net
