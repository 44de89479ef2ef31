// Heads, keep-alive, limits and deadlines, seen by a client of raw bytes.
#include <atomic>

#include "gtest/gtest.h"
#include "server/net/fake_exchange.hpp"

namespace sagelet::net::testing {
namespace {

TEST(Connection, AnswersAndKeepsTheConnection) {
  Script script;
  const House house(script);
  Client client(house.port());
  const Answer first = client.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /a ");
  EXPECT_TRUE(first.has("Server: Sagelet"));
  EXPECT_NE(first.head.find("\r\nDate: "), std::string::npos);
  EXPECT_EQ(client.ask("PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").body, "PUT /b abc");
  EXPECT_EQ(house.server->figures().connections, 1u);
  EXPECT_EQ(house.server->figures().requests, 2u);
}

TEST(Connection, KeepsPipelinedAnswersInOrder) {
  Script script;
  const House house(script);
  Client client(house.port());
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += "PUT /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
  client.send(all);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.receive().body, "PUT /" + std::to_string(i) + " ab");
}

TEST(Connection, KeepsPipelinedAnswersInOrderWhenTheyWait) {
  Script script;
  script.waits = true;
  const House house(script);
  Client client(house.port());
  std::string all;
  for (int i = 0; i < 20; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(all);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.receive().body, "GET /" + std::to_string(i) + " ");
}

TEST(Connection, TakesAHeadByteForByte) {
  Script script;
  const House house(script);
  Client client(house.port());
  for (const char c : std::string_view("\r\nPOST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"))
    client.send(std::string_view(&c, 1));
  EXPECT_EQ(client.receive().body, "POST /slow hi");
}

TEST(Connection, HandsTheHeadOnAsSent) {
  Script script;
  const House house(script);
  Client client(house.port());
  client.ask("GET /a//../b%2F+c?x=%20&y HTTP/1.1\r\nhost: X\r\nX-Two: a\r\nx-two:  b \r\nX-Empty:\r\n\r\n");
  const http::Head head = script.heads().at(0);
  EXPECT_EQ(head.target, "/a//../b%2F+c?x=%20&y");
  EXPECT_EQ(head.headers.joined("X-Two"), "a, b");
  EXPECT_EQ(head.headers.find("x-empty"), "");
  EXPECT_EQ(head.headers.begin()->name, "host");
  EXPECT_FALSE(head.content_length);
  EXPECT_TRUE(head.peer.loopback);
  EXPECT_FALSE(head.peer.tls);
  EXPECT_EQ(head.peer.address, "127.0.0.1");
}

TEST(Connection, ClosesOnMalformedHead) {
  Script script;
  const House house(script);
  for (const auto* bad :
       {"GET\r\n\r\n", "GET / HTTP/1.1\r\nHost x\r\n\r\n", "GET / HTTP/1.1\r\nHo st: x\r\n\r\n",
        "\1\2\3\r\n\r\n", "GET / HTTP/1.1\r\nHost: \1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET nonsense HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    Client client(house.port());
    const Answer answer = client.ask(bad);
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_TRUE(answer.has("Connection: close")) << bad;
    EXPECT_TRUE(client.is_closed()) << bad;
  }
  EXPECT_EQ(script.heads().size(), 0u);
}

TEST(Connection, RefusesALengthBesideATransferCoding) {
  Script script;
  const House house(script);
  for (const auto* bad :
       {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"}) {
    Client client(house.port());
    EXPECT_EQ(client.ask(bad).status, 400) << bad;
    EXPECT_TRUE(client.is_closed()) << bad;
  }
}

TEST(Connection, RefusesOtherTransferCodingsAndVersions) {
  Script script;
  const House house(script);
  const auto status = [&](std::string_view request) { return Client(house.port()).ask(request).status; };
  EXPECT_EQ(status("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(status("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505);
  EXPECT_EQ(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(status("PUT / HTTP/1.1\r\nHost: x\r\nExpect: a-miracle\r\nContent-Length: 1\r\n\r\na"), 200)
      << "as AWS, and as browsers' proxies, no expectation is known but 100-continue";
}

TEST(Connection, RefusesAHeadOverTheLimit) {
  Script script;
  const House house(script, ServerOptions{.head_limit = 4096});
  EXPECT_EQ(
      Client(house.port()).ask("GET /" + std::string(5000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n").status,
      431);
  std::string fields;
  for (int i = 0; i < 500; ++i) fields += "X-Field: some value\r\n";
  EXPECT_EQ(Client(house.port()).ask("GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n").status, 431);
  EXPECT_EQ(
      Client(house.port()).ask("GET /" + std::string(3000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n").status,
      200);
}

TEST(Connection, RefusesAHeadThatGrowsFieldByField) {
  Script script;
  const House house(script, ServerOptions{.head_limit = 4096});
  Client client(house.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; i < 300; ++i) client.send("X-Field: some value\r\n");
  EXPECT_EQ(client.receive().status, 431);
}

TEST(Connection, TellsATlsClientWhatPortThisIs) {
  Script script;
  const House house(script);
  Client client(house.port());
  const Answer answer = client.ask(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("http://"), std::string::npos);
}

TEST(Connection, ServesHttp10WithoutKeepAlive) {
  Script script;
  const House house(script);
  Client client(house.port());
  const Answer answer = client.ask("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_EQ(answer.body, "GET /old ");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST(Connection, KeepsAnHttp10ConnectionThatAsksForIt) {
  Script script;
  const House house(script);
  Client client(house.port());
  EXPECT_TRUE(client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").has("Connection: keep-alive"));
  EXPECT_EQ(client.ask("GET / HTTP/1.0\r\n\r\n").status, 200);
}

TEST(Connection, ClosesWhenTheClientAsksForIt) {
  Script script;
  const House house(script);
  Client client(house.port());
  EXPECT_TRUE(client.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST(Connection, AnswersLateHeads408AndClosesIdleOnesSilently) {
  Script script;
  const House house(script, ServerOptions{.head_timeout = std::chrono::seconds(1),
                                          .idle_timeout = std::chrono::seconds(1)});
  Client slow(house.port());
  slow.send("GET / HT");
  Client idle(house.port());
  EXPECT_EQ(slow.receive().status, 408);
  EXPECT_TRUE(idle.is_closed());
}

TEST(Connection, CutsASlowLorisThatKeepsSending) {
  Script script;
  const House house(script, ServerOptions{.head_timeout = std::chrono::seconds(1)});
  Client client(house.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n");
  std::atomic<bool> answered{false};
  std::thread drip([&] {  // never idle
    while (!answered) {
      client.send("X-A: b\r\n");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const int status = client.receive().status;
  answered = true;
  drip.join();
  EXPECT_EQ(status, 408);
}

TEST(Connection, ClosesABodyThatStops) {
  Script script;
  const House house(script, ServerOptions{.idle_timeout = std::chrono::seconds(1)});
  Client client(house.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(client.is_closed());
}

TEST(Connection, AnswersThoseOverTheLimit503) {
  Script script;
  const House house(script, ServerOptions{.max_connections = 2});
  Client a(house.port());
  Client b(house.port());
  EXPECT_EQ(a.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  EXPECT_EQ(b.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  Client c(house.port());
  EXPECT_EQ(c.receive().status, 503);
  EXPECT_EQ(house.server->figures().refused_connections, 1u);
  EXPECT_EQ(house.server->figures().open_connections, 2u);
}

TEST(Connection, FreesWhatDisconnectedClientsHeld) {
  Script script;
  const House house(script, ServerOptions{.max_connections = 1});
  for (int i = 0; i < 20; ++i) {
    Client client(house.port());
    client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  }
  EXPECT_TRUE(eventually([&] { return house.server->figures().open_connections == 0; }));
  EXPECT_EQ(script.alive(), 0);
}

}  // namespace
}  // namespace sagelet::net::testing
