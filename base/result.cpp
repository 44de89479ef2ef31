#include "base/result.hpp"

#include <cerrno>
#include <system_error>

namespace sagelet {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kNotFound:
      return "not found";
    case ErrorKind::kAlreadyExists:
      return "already exists";
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kPermission:
      return "permission denied";
    case ErrorKind::kNoSpace:
      return "no space";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kCorrupt:
      return "corrupt";
    case ErrorKind::kIo:
      return "input/output error";
    case ErrorKind::kInternal:
      return "internal error";
  }
  return "unknown";
}

namespace {
ErrorKind kind_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorKind::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::kPermission;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorKind::kNoSpace;
    case ETIMEDOUT:
      return ErrorKind::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return ErrorKind::kUnavailable;
    case EINVAL:
    case ENAMETOOLONG:
      return ErrorKind::kInvalid;
    default:
      return ErrorKind::kIo;
  }
}
}  // namespace

Error Error::from_errno(std::string_view what, int error) {
  return Error(kind_of(error), std::string(what) + ": " + std::generic_category().message(error));
}

Error Error::last(std::string_view what) {
  return from_errno(what, errno);
}

Error Error::context(std::string_view where) && {
  message_.insert(0, std::string(where) + ": ");
  return std::move(*this);
}

}  // namespace sagelet
