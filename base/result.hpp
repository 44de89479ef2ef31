#pragma once
// Expected failure as a value. Lower rooms return Result<T>; services return Reply<T>
// (server/services/service.hpp).
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tl/expected.hpp"

namespace sagelet {

/// What a caller may want to tell apart. Nothing in here is an AWS word: services translate by name.
enum class ErrorKind {
  kNotFound,
  kAlreadyExists,
  kInvalid,   ///< the input is malformed or out of range
  kConflict,  ///< a precondition did not hold
  kPermission,
  kNoSpace,  ///< disk, quota or a limit of ours is full
  kTimeout,
  kUnavailable,  ///< the other side is not there (refused, closed, stopping)
  kCancelled,
  kCorrupt,   ///< stored bytes are not what was written
  kIo,        ///< any other failed system call
  kInternal,  ///< a bug, or something nobody foresaw
};

std::string_view to_string(ErrorKind kind);

class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  /// From errno, as "<what>: <strerror>"; ENOENT is kNotFound, ENOSPC/EDQUOT kNoSpace, EACCES/EPERM
  /// kPermission...
  static Error from_errno(std::string_view what, int error);
  /// The same with the current errno.
  static Error last(std::string_view what);

  ErrorKind kind() const { return kind_; }
  bool is(ErrorKind kind) const { return kind_ == kind; }
  /// The message with every context in front: "staging a/b: write: No space left on device".
  const std::string& message() const { return message_; }

  /// Puts "<where>: " in front of the message and gives the error on.
  Error context(std::string_view where) &&;

 private:
  ErrorKind kind_;
  std::string message_;
};

/// A T or an Error. Never ignored: pass it up with TRY or look at it.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
  Result(tl::expected<T, Error> other) : tl::expected<T, Error>(std::move(other)) {}
};

using Status = Result<void>;

namespace internal {
template <class E>
tl::unexpected<std::decay_t<E>> forward_error(E&& error) {
  return tl::unexpected<std::decay_t<E>>(std::forward<E>(error));
}
}  // namespace internal

// TRY(const Bucket bucket, find(name));   gives the value or returns the error from this function
// TRY(plan.check(body));                  the same for a Result<void>
#define SAGELET_JOIN2(a, b) a##b
#define SAGELET_JOIN(a, b) SAGELET_JOIN2(a, b)
#define SAGELET_TRY1(expression)                                                 \
  do {                                                                           \
    if (auto sagelet_try = (expression); !sagelet_try)                           \
      return ::sagelet::internal::forward_error(std::move(sagelet_try).error()); \
  } while (false)
#define SAGELET_TRY2_NAMED(name, declaration, expression)                        \
  auto name = (expression);                                                      \
  if (!name) return ::sagelet::internal::forward_error(std::move(name).error()); \
  declaration = std::move(*name)
#define SAGELET_TRY2(declaration, expression) \
  SAGELET_TRY2_NAMED(SAGELET_JOIN(sagelet_try_, __COUNTER__), declaration, expression)
#define SAGELET_TRY_PICK(_1, _2, picked, ...) picked
#define TRY(...) SAGELET_TRY_PICK(__VA_ARGS__, SAGELET_TRY2, SAGELET_TRY1)(__VA_ARGS__)

}  // namespace sagelet
