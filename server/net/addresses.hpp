#pragma once
// Kinds of socket addresses.
#include <sys/socket.h>

#include <string>

namespace sagelet::net {

bool is_loopback(const sockaddr& address);  ///< 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104
bool is_unspecified(const sockaddr& address);
/// Without the port; an IPv4 address inside IPv6 as IPv4.
std::string text_of(const sockaddr& address);

/// Does only this machine reach the address, or only this machine as itself: loopback, link-local (where
/// clouds have their metadata), or an address of this machine's interfaces other than the one by which the
/// client of `socket` came, which that client reaches without us.
bool is_only_ours(const sockaddr& address, int socket);

}  // namespace sagelet::net
