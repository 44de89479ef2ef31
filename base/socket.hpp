#pragma once
// Bytes and descriptors over a socket between two processes of ours.
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/fd.hpp"

namespace sagelet {

struct SocketPair {
  UniqueFd ours, theirs;
};
/// `type` is SOCK_STREAM or SOCK_SEQPACKET. Both ends close-on-exec.
Result<SocketPair> make_socket_pair(int type);

/// Sends all of `bytes`, retrying EINTR and short sends; never raises SIGPIPE.
Status send_all(int socket, std::string_view bytes);
/// Fills `room`. False when the other end is gone first.
bool receive_all(int socket, std::span<char> room);

/// No message carries more descriptors.
inline constexpr std::size_t kMostDescriptors = 4;

/// Sends `bytes` with copies of `descriptors`, which may be none. Does not allocate: for children of fork.
Status send_with(int socket, std::string_view bytes, std::span<const int> descriptors);
/// Fills `room` and gives the descriptors that came with its first byte, close-on-exec. kUnavailable when the
/// other end is gone first.
Result<std::vector<UniqueFd>> receive_with(int socket, std::span<char> room);

/// The bytes of a value whose both ends are the same program.
template <class T>
std::string_view bytes_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
template <class T>
std::span<char> room_of(T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<char*>(&value), sizeof value};
}

}  // namespace sagelet
