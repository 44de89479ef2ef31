// Bodies in, refusals, answers that come late or never.
#include <atomic>

#include "gtest/gtest.h"
#include "server/net/fake_exchange.hpp"

namespace sagelet::net::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

std::optional<http::Response> refuse_puts(const http::Head& head) {
  if (head.method != "PUT") return std::nullopt;
  return http::Response::text(403, "no");
}

TEST(Exchange, ReadsChunkedBodies) {
  Script script;
  const House house(script);
  Client client(house.port());
  const std::string head = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(client.ask(head + "3\r\nabc\r\n5;ext=\"x\"\r\ndefgh\r\n0\r\nX-Trailer: y\r\n\r\n").body,
            "PUT / abcdefgh");
  EXPECT_FALSE(script.heads().at(0).headers.has("x-trailer"));
  EXPECT_TRUE(script.heads().at(0).chunked);
  EXPECT_EQ(client.ask(head + "0\r\n\r\n").body, "PUT / ");
}

TEST(Exchange, ReadsChunksThatComeInPieces) {
  Script script;
  const House house(script, ServerOptions{.io_threads = 1});
  Client client(house.port());
  Client other(house.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char c : std::string_view("a\r\n0123456789\r\n00\r\n\r\n")) {
    client.send(std::string_view(&c, 1));
    other.ask(kGet);  // the one thread has had the byte meanwhile
  }
  EXPECT_EQ(client.receive().body, "PUT / 0123456789");
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST(Exchange, RefusesBrokenChunks) {
  Script script;
  const House house(script);
  for (const auto* bad : {"xyz\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-1\r\n\r\n", "ffffffffffffffffff\r\n"}) {
    Client client(house.port());
    const std::string head = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(client.ask(head + bad).status, 400) << bad;
    EXPECT_TRUE(client.is_closed()) << bad;
  }
}

TEST(Exchange, RefusesAChunkHeadWithoutAnEnd) {
  Script script;
  const House house(script);
  Client client(house.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;");
  client.send(std::string(300 * 1024, 'x'));
  EXPECT_EQ(client.receive().status, 400);
}

TEST(Exchange, TakesALargeBodyByLength) {
  Script script;
  std::atomic<std::size_t> seen{0};
  script.on_body = [&](std::string_view bytes) {
    seen += bytes.size();
    return std::nullopt;
  };
  script.on_finish = [](const http::Head&, const std::string&, auto done) {
    done(http::Response::text(200, "ok"));
  };
  const House house(script);
  Client client(house.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n");
  client.send(std::string(20000000, 'x'));  // NOLINT(bugprone-string-constructor)
  EXPECT_EQ(client.receive().body, "ok");
  EXPECT_EQ(seen, 20000000u);
}

TEST(Exchange, Sends100ContinueWhenTheBodyIsWanted) {
  Script script;
  const House house(script);
  Client client(house.port());
  EXPECT_EQ(
      client.ask("PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n").status,
      100);
  EXPECT_EQ(client.ask("ab").body, "PUT /x ab");
  EXPECT_TRUE(script.heads().at(0).expect_continue);
}

TEST(Exchange, AnswersRefusalInsteadOf100Continue) {
  Script script;
  script.on_begin = refuse_puts;
  const House house(script);
  Client client(house.port());
  const Answer answer =
      client.ask("PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(answer.status, 403);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST(Exchange, NeedsNo100ContinueWhenTheBodyIsThereAlready) {
  Script script;
  const House house(script);
  Client client(house.port());
  EXPECT_EQ(
      client.ask("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab").status,
      200);
}

TEST(Exchange, DrainsRefusedBody) {
  Script script;
  script.on_begin = refuse_puts;
  const House house(script);
  Client client(house.port());
  const std::string body(900 * 1024, 'x');
  const std::string head =
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  EXPECT_EQ(client.ask(head + body).status, 403);
  EXPECT_EQ(client.ask(head + body).status, 403);
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST(Exchange, ClosesAfterRefusingALargeBody) {
  Script script;
  script.on_begin = refuse_puts;
  const House house(script);
  Client client(house.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
  client.send(std::string(1 << 20, 'x'));
  const Answer answer = client.receive();
  EXPECT_EQ(answer.status, 403);
  EXPECT_TRUE(answer.has("Connection: close"));
}

TEST(Exchange, StopsDrainingAChunkedBodyThatDoesNotEnd) {
  Script script;
  script.on_begin = refuse_puts;
  const House house(script);
  Client client(house.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
  for (int i = 0; i < 40; ++i) client.send(chunk);
  EXPECT_EQ(client.receive().status, 403);
  EXPECT_EQ(client.rest().find("<timeout>"), std::string::npos);
}

TEST(Exchange, BreaksOffABodyThatIsRefusedMidway) {
  Script script;
  script.on_body = [](std::string_view) { return http::Response::text(413, "too much"); };
  const House house(script);
  Client client(house.port());
  EXPECT_EQ(
      client.ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + std::string(200000, 'x'))
          .status,
      413);
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST(Exchange, WaitingOnesFinishOnThePool) {
  Script script;
  const House house(script, ServerOptions{.io_threads = 1});
  Client client(house.port());
  client.ask(kGet);
  script.waits = true;
  client.ask(kGet);
  ASSERT_EQ(script.finished_on().size(), 2u);
  EXPECT_NE(script.finished_on()[0], script.finished_on()[1]);
}

TEST(Exchange, AWaitingOneHoldsNobodyUp) {
  Script script;
  Gate others_were_served;
  script.waits = true;
  script.on_finish = [&](const http::Head& head, const std::string&, auto done) {
    const bool in_time = head.target != "/slow" || others_were_served.pass();
    done(http::Response::text(200, in_time ? head.target : "held up"));
  };
  const House house(script, ServerOptions{.io_threads = 1});
  Client slow(house.port());
  Client quick(house.port());
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return script.finished_on().size() == 1; }));
  EXPECT_EQ(quick.ask("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n").body, "/quick");
  others_were_served.open();
  EXPECT_EQ(slow.receive().body, "/slow");
}

TEST(Exchange, AFastUploadLeavesTheOthersTheirTurn) {
  Script script;
  std::atomic<bool> uploading{false}, uploaded{false};
  script.on_body = [&](std::string_view) {
    uploading = true;
    std::this_thread::sleep_for(1ms);  // slower than the client: there is always more to read
    return std::nullopt;
  };
  script.on_finish = [&](const http::Head& head, const std::string&, auto done) {
    if (head.method == "PUT") uploaded = true;
    done(http::Response::text(200, "ok"));
  };
  const House house(script, ServerOptions{.io_threads = 1});
  std::thread upload([&] {
    Client client(house.port());
    client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
    client.send(std::string(100000000, 'x'));  // NOLINT(bugprone-string-constructor)
    client.receive();
  });
  EXPECT_TRUE(eventually([&] { return uploading.load(); }));
  Client client(house.port());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.ask(kGet).status, 200);
  EXPECT_FALSE(uploaded);
  upload.join();
  EXPECT_TRUE(uploaded);
}

TEST(Exchange, TakesTheAnswerFromAnyThread) {
  Script script;
  std::vector<std::thread> threads;
  std::uint16_t port = 0;
  script.on_finish = [&](const http::Head& head, const std::string&, auto done) {
    if (head.target == "/now") return done(http::Response::text(200, "now"));
    threads.emplace_back([&port, target = head.target, done] {
      Client(port).ask("GET /now HTTP/1.1\r\nHost: x\r\n\r\n");  // the server's one thread is back
      done(http::Response::text(200, target));
    });
  };
  const House house(script, ServerOptions{.io_threads = 1});
  port = house.port();
  Client client(port);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(client.ask("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n").body,
              "/" + std::to_string(i));
  for (std::thread& thread : threads) thread.join();
}

TEST(Exchange, OutlivesAClientThatWent) {
  Script script;
  std::function<void(http::Response)> done;
  std::atomic<bool> finishing{false};
  script.on_finish = [&](const http::Head& head, const std::string&, auto given) {
    if (head.target == "/now") return given(http::Response::text(200, "now"));
    done = std::move(given);
    finishing = true;
  };
  const House house(script, ServerOptions{.io_threads = 1});
  {
    Client client(house.port());
    client.send(kGet);
    ASSERT_TRUE(eventually([&] { return finishing.load(); }));
  }
  // The one thread has heard of the end when it answers the next.
  Client(house.port()).ask("GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return script.alive() == 1; }));
  done(http::Response::text(200, "too late"));
  EXPECT_TRUE(eventually([&] { return house.server->figures().open_connections == 0; }));
  EXPECT_EQ(script.alive(), 0);
}

TEST(Exchange, AnswersWhenThePromiseWasDropped) {
  Script script;
  script.on_finish = [](const http::Head&, const std::string&, auto) {};
  const House house(script);
  EXPECT_EQ(Client(house.port()).ask(kGet).status, 500);
}

TEST(Exchange, AnswersWhenAStepThrows) {
  Script script;
  script.on_begin = [](const http::Head& head) -> std::optional<http::Response> {
    if (head.target == "/begin") throw std::runtime_error("begin");
    return std::nullopt;
  };
  script.on_body = [](std::string_view) -> std::optional<http::Response> {
    throw std::runtime_error("body");
  };
  script.on_finish = [](const http::Head&, const std::string&, auto) { throw std::runtime_error("finish"); };
  const House house(script);
  Client client(house.port());
  EXPECT_EQ(client.ask("GET /begin HTTP/1.1\r\nHost: x\r\n\r\n").status, 500);
  EXPECT_EQ(client.ask("PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx").status, 500);
  EXPECT_EQ(client.ask("GET /finish HTTP/1.1\r\nHost: x\r\n\r\n").status, 500);
}

}  // namespace
}  // namespace sagelet::net::testing
