// Starting, stopping and what is left behind.
#include "server/net/server.hpp"

#include <sys/socket.h>

#include <atomic>

#include "gtest/gtest.h"
#include "server/net/fake_exchange.hpp"

namespace sagelet::net::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(Server, NamesWhoHasThePort) {
  Script script;
  const House house(script);
  const auto second = Server::start(ServerOptions{.port = house.port()}, nullptr, nullptr);
  ASSERT_FALSE(second);
  EXPECT_NE(
      second.error().message().find("port " + std::to_string(house.port()) + " is in use by net_test (pid"),
      std::string::npos)
      << second.error().message();
}

TEST(Server, SaysWhatIsWrongWithAnAddress) {
  const auto foreign = Server::start(ServerOptions{.host = "192.0.2.1"}, nullptr, nullptr);
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message().find("192.0.2.1"), std::string::npos);
  EXPECT_FALSE(Server::start(ServerOptions{.host = "no.such.host.invalid"}, nullptr, nullptr));
}

TEST(Server, ListensOnIpv6) {
  Script script;
  auto server = Server::start(
      ServerOptions{.host = "::1"}, [&script] { return std::make_unique<FakeExchange>(script); }, nullptr);
  if (!server) GTEST_SKIP() << "this machine has no IPv6: " << server.error().message();
  EXPECT_NE((*server)->port(), 0);
}

TEST(Server, StartsInMilliseconds) {
  Script script;
  const auto start = Clock::now();
  const House house(script);
  EXPECT_EQ(Client(house.port()).ask(kGet).status, 200);
  EXPECT_LT(Clock::now() - start, 100ms);  // a few milliseconds; sanitizers and busy machines get their share
}

TEST(Server, StopsGracefully) {
  Script script;
  script.waits = true;
  std::atomic<bool> running{false};
  Gate stopping;
  script.on_finish = [&](const http::Head&, const std::string&, auto done) {
    running = true;
    done(http::Response::text(200, stopping.pass() ? "finished" : "never stopped"));
  };
  const House house(script);
  Client idle(house.port());
  Client busy(house.port());
  busy.send(kGet);
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  std::thread stopper([&] { house.server->shutdown(10s); });
  EXPECT_TRUE(idle.is_closed());  // the stop has begun
  stopping.open();
  const Answer answer = busy.receive();
  EXPECT_EQ(answer.body, "finished");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(busy.is_closed());
  ::shutdown(busy.fd(), SHUT_RDWR);
  stopper.join();
  EXPECT_THROW(Client(house.port()).fd(), std::runtime_error);
  house.server->shutdown(10s);
}

TEST(Server, CutsWhatDoesNotEndWithinTheGrace) {
  Script script;
  const House house(script);
  Client client(house.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_TRUE(eventually([&] { return script.heads().size() == 1; }));
  const auto start = Clock::now();
  house.server->shutdown(200ms);
  EXPECT_GE(Clock::now() - start, 200ms);
  EXPECT_LT(Clock::now() - start, 5s);
  EXPECT_EQ(script.alive(), 0);
}

TEST(Server, DestructorStopsAtOnce) {
  Script script;
  const auto start = Clock::now();
  {
    const House house(script);
    Client idle(house.port());
    Client half(house.port());
    half.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    ASSERT_TRUE(eventually([&] { return script.heads().size() == 1; }));
  }
  EXPECT_LT(Clock::now() - start, 2s);
  EXPECT_EQ(script.alive(), 0);
}

TEST(Server, ServesManyClientsAtOnce) {
  Script script;
  const House house(script, ServerOptions{.io_threads = 2});
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        Client client(house.port());
        for (int k = 0; k < 10; ++k) good += client.ask(kGet).status == 200 ? 1 : 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 1600);
}

}  // namespace
}  // namespace sagelet::net::testing
