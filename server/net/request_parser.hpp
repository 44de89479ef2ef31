#pragma once
// The framing of one request: head, then a body by length or by chunks. Fed with bytes, knows no socket.
#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "server/http/message.hpp"

namespace sagelet::net {

/// Feed parse() until head_done(), take the head, then feed parse_body() until done(). Beast's grammar, but
/// fields go straight into our Head and body bytes straight to their taker. One object a request.
class RequestParser final : private boost::beast::http::basic_parser<true> {
 public:
  enum class Outcome {
    kMore,      ///< all that could be used was used: come back with more bytes behind the unused ones
    kDone,      ///< the head (parse_head) or the whole request (parse_body) is complete
    kTooLarge,  ///< the head is over its limit
    kVersion,   ///< neither HTTP/1.0 nor 1.1
    kMalformed,
  };
  using BodyTaker = std::function<void(std::string_view)>;

  explicit RequestParser(std::size_t head_limit);

  /// `used` is how many of `bytes` may be thrown away.
  Outcome parse_head(std::string_view bytes, std::size_t& used);
  Outcome parse_body(std::string_view bytes, std::size_t& used, const BodyTaker& take);

  bool done() const { return is_done(); }
  bool has_started() const { return head_bytes_ > 0; }
  bool keeps_alive() const { return keep_alive(); }
  bool is_http10() const { return version_ == 10; }
  /// Once, after the head is done.
  http::Head take_head();

 private:
  using Base = boost::beast::http::basic_parser<true>;
  using Text = boost::beast::string_view;
  using ErrorCode = boost::beast::error_code;

  Outcome outcome_of(const ErrorCode& code) const;

  void on_request_impl(boost::beast::http::verb, Text method, Text target, int version, ErrorCode&) override;
  void on_response_impl(int, Text, int, ErrorCode&) override {}
  void on_field_impl(boost::beast::http::field, Text name, Text value, ErrorCode&) override;
  void on_header_impl(ErrorCode&) override { head_done_ = true; }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
  std::size_t on_body_impl(Text body, ErrorCode&) override;
  void on_chunk_header_impl(std::uint64_t, Text, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, ErrorCode&) override;
  void on_finish_impl(ErrorCode&) override {}

  http::Head head_;
  std::size_t head_limit_;
  std::size_t head_bytes_ = 0;
  const BodyTaker* take_ = nullptr;
  int version_ = 11;
  bool head_done_ = false;
};

/// What is wrong with a complete head, as the answer to give; nullopt when nothing is.
std::optional<http::Response> head_fault(const http::Head& head, bool is_http10);

}  // namespace sagelet::net
