#include "runner/sandbox/process/netlink.hpp"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sagelet::runner {

/// One request: a header, a structure of the kernel's, attributes that may hold others.
class Netlink::Message {
 public:
  template <class Body>
  Message(std::uint16_t type, std::uint16_t flags, const Body& body) {
    header()->nlmsg_len = NLMSG_LENGTH(sizeof body);
    header()->nlmsg_type = type;
    header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    std::memcpy(NLMSG_DATA(header()), &body, sizeof body);
  }

  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }

  void put(std::uint16_t type, const void* data, std::size_t size) {
    char* at = bytes_.data() + NLMSG_ALIGN(header()->nlmsg_len);
    const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    std::memcpy(at, &head, sizeof head);
    if (size > 0) std::memcpy(at + RTA_LENGTH(0), data, size);
    header()->nlmsg_len =
        NLMSG_ALIGN(header()->nlmsg_len) + static_cast<std::uint32_t>(RTA_ALIGN(head.rta_len));
  }
  void put(std::uint16_t type, const std::string& text) { put(type, text.c_str(), text.size() + 1); }
  void put(std::uint16_t type, std::uint32_t number) { put(type, &number, sizeof number); }

  /// An attribute whose content is what `fill` puts, after `body`.
  template <class Fill>
  void nest(std::uint16_t type, const void* body, std::size_t size, Fill fill) {
    const auto at = NLMSG_ALIGN(header()->nlmsg_len);
    put(type, body, size);
    fill();
    const auto length = static_cast<std::uint16_t>(header()->nlmsg_len - at);
    std::memcpy(bytes_.data() + at, &length, sizeof length);
  }

 private:
  alignas(nlmsghdr) std::array<char, 1024> bytes_{};
};

Result<Netlink> Netlink::open() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return Error::last("netlink");
  return Netlink(std::move(socket));
}

Status Netlink::send(Message& message, const std::string& what) {
  message.header()->nlmsg_seq = ++sequence_;
  const ssize_t length = message.header()->nlmsg_len;
  if (::send(socket_.get(), message.header(), message.header()->nlmsg_len, 0) != length)
    return Error::last(what);
  alignas(nlmsghdr) std::array<char, 4096> bytes;
  const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) return Error::last(what);
  const auto* answer = reinterpret_cast<const nlmsghdr*>(bytes.data());
  if (answer->nlmsg_type != NLMSG_ERROR) return Error(ErrorKind::kIo, what + ": an answer that is none");
  const int error = static_cast<const nlmsgerr*>(NLMSG_DATA(answer))->error;
  if (error == 0) return {};
  errno = -error;
  return Error::last(what);
}

Status Netlink::add_bridge(const std::string& name) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.put(IFLA_IFNAME, name);
  message.nest(IFLA_LINKINFO, nullptr, 0, [&] { message.put(IFLA_INFO_KIND, std::string("bridge")); });
  return send(message, "making the bridge " + name);
}

Status Netlink::add_pair(const std::string& name, int peer_network) {
  const ifinfomsg body{};
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body);
  message.put(IFLA_IFNAME, name);
  message.nest(IFLA_LINKINFO, nullptr, 0, [&] {
    message.put(IFLA_INFO_KIND, std::string("veth"));
    message.nest(IFLA_INFO_DATA, nullptr, 0, [&] {
      message.nest(VETH_INFO_PEER, &body, sizeof body, [&] {
        message.put(IFLA_IFNAME, std::string("eth0"));
        message.put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(peer_network));
      });
    });
  });
  return send(message, "making the pair of interfaces " + name);
}

Status Netlink::set_up(const std::string& name) {
  ifinfomsg body{};
  body.ifi_index = static_cast<int>(::if_nametoindex(name.c_str()));
  body.ifi_flags = body.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, 0, body);
  return send(message, "setting up " + name);
}

Status Netlink::attach(const std::string& name, const std::string& bridge) {
  ifinfomsg body{};
  body.ifi_index = static_cast<int>(::if_nametoindex(name.c_str()));
  body.ifi_flags = body.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, 0, body);
  message.put(IFLA_MASTER, ::if_nametoindex(bridge.c_str()));
  return send(message, "attaching " + name + " to " + bridge);
}

Status Netlink::add_address(const std::string& name, const std::string& address, unsigned prefix) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = static_cast<std::uint8_t>(prefix);
  body.ifa_index = ::if_nametoindex(name.c_str());
  in_addr number{};
  if (::inet_pton(AF_INET, address.c_str(), &number) != 1)
    return Error(ErrorKind::kInvalid, "not an address: " + address);
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  message.put(IFA_LOCAL, number.s_addr);
  message.put(IFA_ADDRESS, number.s_addr);
  return send(message, "giving " + address + " to " + name);
}

}  // namespace sagelet::runner
