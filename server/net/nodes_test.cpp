// The listener that nodes reach: visits that end, tunnels that stay outside, addresses that can be told.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/net/addresses.hpp"
#include "server/net/fake_exchange.hpp"

namespace sagelet::net::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Kind = http::ProxyDecision::Kind;

constexpr auto kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

class Nodes : public ::testing::Test {
 protected:
  std::shared_ptr<std::atomic<bool>> over = std::make_shared<std::atomic<bool>>(false);
  Script script;
  bool outside_only = false;
  House house{script, ServerOptions{.io_threads = 1, .for_nodes = true},
              [this](const http::Head& head, std::string_view, std::uint16_t) {
                head.peer.visit->over = over;
                http::ProxyDecision decision;
                decision.kind = Kind::kTunnel;
                decision.outside_only = outside_only;
                return decision;
              }};
  Client client{house.port()};

  void let_in() {
    script.on_begin = [this](const http::Head& head) {
      head.peer.visit->over = over;
      return std::nullopt;
    };
  }
};

TEST(Visits, AreOfTheNodesListenerOnly) {
  Script script;
  const House plain(script);
  EXPECT_EQ(Client(plain.port()).ask(kGet).status, 200);
  const House nodes(script, ServerOptions{.for_nodes = true});
  EXPECT_EQ(Client(nodes.port()).ask(kGet).status, 200);
  EXPECT_EQ(script.heads().at(0).peer.visit, nullptr);
  EXPECT_NE(script.heads().at(1).peer.visit, nullptr);
}

TEST_F(Nodes, ABodyUnderWayIsCutWhenItsVisitIsOver) {
  let_in();
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
  ASSERT_TRUE(eventually([&] { return script.heads().size() == 1; }));
  const auto start = std::chrono::steady_clock::now();
  *over = true;
  EXPECT_TRUE(client.is_closed());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  EXPECT_TRUE(eventually([&] { return script.alive() == 0; }));
}

TEST_F(Nodes, AnAnswerUnderWayIsCutThoughTheClientNeverLetsItWait) {
  let_in();
  constexpr std::uint64_t size = 1ull << 40;
  script.on_finish = [file = file_of("")](const http::Head&, const std::string&, auto done) {
    if (::ftruncate(file->get(), static_cast<off_t>(size)) != 0) return done(http::Response::text(500, ""));
    http::Response response;
    response.body = http::FileRange{file, 0, size};
    done(std::move(response));
  };
  client.send(kGet);
  std::vector<char> bytes(4u << 20);
  ASSERT_GT(::recv(client.fd(), bytes.data(), bytes.size(), 0), 0);
  *over = true;
  const auto start = std::chrono::steady_clock::now();
  while (::recv(client.fd(), bytes.data(), bytes.size(), 0) > 0 &&
         std::chrono::steady_clock::now() - start < 5s) {
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
}

TEST_F(Nodes, AConnectionBetweenRequestsHasNoVisit) {
  let_in();
  Client other(house.port());
  EXPECT_EQ(client.ask(kGet).status, 200);
  other.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
  ASSERT_TRUE(eventually([&] { return script.heads().size() == 2; }));
  *over = true;
  EXPECT_TRUE(other.is_closed());  // the loop has looked
  script.on_begin = [](const http::Head& head) -> std::optional<http::Response> {
    if (head.peer.visit->over) return http::Response::text(500, "still there");
    return http::Response::text(403, "refused in words");
  };
  EXPECT_EQ(client.ask(kGet).body, "refused in words");
}

TEST_F(Nodes, ATunnelIsCutWhenItsVisitIsOver) {
  std::atomic<bool> ended{false};
  FakeUpstream upstream([&](Client& socket) {
    socket.rest();
    ended = true;
  });
  const std::string to = "127.0.0.1:" + std::to_string(upstream.port());
  EXPECT_EQ(client.ask("CONNECT " + to + " HTTP/1.1\r\nHost: x\r\n\r\n", true).status, 200);
  client.send("bytes");
  *over = true;
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

TEST_F(Nodes, NoTunnelLeadsToWhatOnlyThisMachineReaches) {
  outside_only = true;
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
                           "169.254.169.254", "2130706433", "0x7f.1"}) {
    const std::string to = std::string(host) + ":" + std::to_string(house.port());
    const Answer connect = Client(house.port()).ask("CONNECT " + to + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(connect.status, 403) << host << connect.body;
    EXPECT_THAT(connect.body, HasSubstr("this machine's own"));
    const Answer absolute = Client(house.port()).ask("GET http://" + to + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(absolute.status, 403) << host;
  }
  EXPECT_TRUE(script.heads().empty());
}

TEST(Addresses, OnlyOursAreThoseThatOthersDoNotReach) {
  const auto is_ours = [](const char* text) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    sockaddr_in four{};
    four.sin_family = AF_INET;
    if (::inet_pton(AF_INET, text, &four.sin_addr) == 1)
      return is_only_ours(reinterpret_cast<const sockaddr&>(four), -1);
    EXPECT_EQ(::inet_pton(AF_INET6, text, &six.sin6_addr), 1) << text;
    return is_only_ours(reinterpret_cast<const sockaddr&>(six), -1);
  };
  for (const char* ours : {"127.0.0.1", "127.255.0.1", "0.0.0.0", "169.254.169.254", "::1", "::", "fe80::1",
                           "::ffff:127.0.0.1", "::ffff:169.254.1.1", "::ffff:0.0.0.0"})
    EXPECT_TRUE(is_ours(ours)) << ours;
  for (const char* outside : {"192.0.2.1", "8.8.8.8", "2001:db8::1", "::ffff:192.0.2.1", "128.0.0.1"})
    EXPECT_FALSE(is_ours(outside)) << outside;
}

TEST(Advertised, IsAnAddressOfThisMachineThatNodesCanBeTold) {
  const auto error_of = [](const char* host) {
    const auto started = Server::start(ServerOptions{.host = host, .for_nodes = true}, nullptr, nullptr);
    return started ? std::string("none") : started.error().message();
  };
  EXPECT_EQ(error_of("127.0.0.1"), "none");
  EXPECT_EQ(error_of("localhost"), "none");
  EXPECT_THAT(error_of("192.0.2.1"),
              HasSubstr("192.0.2.1 is no address of this machine: advertise one that is"));
  EXPECT_THAT(error_of("0"), HasSubstr("no address that nodes can be told"));
  EXPECT_THAT(error_of("no.such.host.invalid"), HasSubstr("no.such.host.invalid"));
  Script script;
  const House house(script);
  const auto second = Server::start(ServerOptions{.port = house.port(), .for_nodes = true}, nullptr, nullptr);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("choose another port (in advertise)"));
}

}  // namespace
}  // namespace sagelet::net::testing
