// The forward proxy: names served here through TLS, tunnels, the next proxy, refusals, absolute-form
// requests.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <atomic>

#include "base/child.hpp"
#include "base/fs.hpp"
#include "gtest/gtest.h"
#include "server/net/fake_exchange.hpp"

namespace sagelet::net::testing {
namespace {

using namespace std::chrono_literals;
using Kind = http::ProxyDecision::Kind;

/// amazonaws.com is served here, 127.0.0.1 tunnelled, everything else refused.
http::ProxyDecision decide(const http::Head&, std::string_view host, std::uint16_t) {
  http::ProxyDecision decision;
  if (host.ends_with("amazonaws.com")) decision.kind = Kind::kServeHere;
  if (host == "127.0.0.1" || host.ends_with(".invalid")) decision.kind = Kind::kTunnel;
  if (host == "refused.example") decision.refusal = http::Response::text(403, "refused.example is offline");
  return decision;
}

/// A TLS client that trusts the server's authority and nobody else, as strictly as OpenSSL can.
class TlsClient {
 public:
  TlsClient(int fd, const std::string& authority, const std::string& host)
      : context_(SSL_CTX_new(TLS_client_method())) {
    BIO* bio = BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), certificate);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context_), X509_V_FLAG_X509_STRICT);
    X509_free(certificate);
    BIO_free(bio);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd);
    SSL_set_tlsext_host_name(ssl_, host.c_str());
    SSL_set1_host(ssl_, host.c_str());
    const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_, protocols, sizeof protocols - 1);
    connected = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  std::string ask(std::string_view request, std::size_t at_least) {
    SSL_write(ssl_, request.data(), static_cast<int>(request.size()));
    std::string all;
    char piece[65536];
    while (all.size() < at_least || all.find("\r\n\r\n") == std::string::npos) {
      const int count = SSL_read(ssl_, piece, sizeof piece);
      if (count <= 0) break;
      all.append(piece, static_cast<std::size_t>(count));
    }
    return all;
  }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  bool connected = false;

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

class Proxy : public ::testing::Test {
 protected:
  Script script;
  House house{script, {}, decide};
  Client client{house.port()};
};

TEST_F(Proxy, ServesNamesOfOursThroughTls) {
  EXPECT_EQ(client.ask("CONNECT STS.us-east-1.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", true).status,
            200);
  TlsClient tls(client.fd(), *house.server->authority_certificate(), "sts.us-east-1.amazonaws.com");
  ASSERT_TRUE(tls.connected);
  EXPECT_EQ(tls.protocol(), "http/1.1");
  for (int i = 0; i < 3; ++i) {
    const std::string answer =
        tls.ask("POST /x HTTP/1.1\r\nHost: sts.us-east-1.amazonaws.com\r\nContent-Length: 2\r\n\r\nhi", 1);
    EXPECT_TRUE(answer.ends_with("POST /x hi")) << answer;
  }
  ASSERT_EQ(script.heads().size(), 3u);
  EXPECT_TRUE(script.heads()[0].peer.tls);
  EXPECT_EQ(script.heads()[0].peer.tunnel_host, "sts.us-east-1.amazonaws.com");
}

TEST_F(Proxy, SendsLargeFilesAndStreamsThroughTls) {
  const std::string bytes(3000000, 'f');
  script.on_finish = [file = file_of(bytes)](const http::Head&, const std::string&, auto done) {
    http::Response response;
    response.body = http::FileRange{file, 0, 3000000};
    done(std::move(response));
  };
  client.ask("CONNECT a.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", true);
  TlsClient tls(client.fd(), *house.server->authority_certificate(), "a.amazonaws.com");
  const std::string answer = tls.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 3000000);
  EXPECT_TRUE(answer.ends_with(bytes.substr(0, 2900000)));
}

TEST_F(Proxy, TakesALargeBodyThroughTls) {
  script.on_finish = [](const http::Head&, const std::string& body, auto done) {
    done(http::Response::text(200, std::to_string(body.size())));
  };
  client.ask("CONNECT a.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", true);
  TlsClient tls(client.fd(), *house.server->authority_certificate(), "a.amazonaws.com");
  const std::string answer =
      tls.ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + std::string(2000000, 'x'), 1);
  EXPECT_TRUE(answer.ends_with("2000000"));
}

TEST_F(Proxy, ServesPlainHttpInsideATunnelToo) {
  client.ask("CONNECT a.amazonaws.com:80 HTTP/1.1\r\nHost: x\r\n\r\n", true);
  EXPECT_EQ(client.ask("GET /p HTTP/1.1\r\nHost: a.amazonaws.com\r\n\r\n").body, "GET /p ");
  EXPECT_FALSE(script.heads().at(0).peer.tls);
  EXPECT_EQ(script.heads().at(0).peer.tunnel_host, "a.amazonaws.com");
}

TEST_F(Proxy, SurvivesAClientThatBreaksTheHandshake) {
  client.ask("CONNECT a.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", true);
  client.send(std::string("\x16\x03\x01\x00\x05garbage", 12));
  client.rest();
  EXPECT_EQ(Client(house.port()).ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
}

TEST_F(Proxy, TunnelsBothWaysAndHandsEndsOn) {
  FakeUpstream upstream([](Client& socket) {
    socket.send("hello ");
    socket.send("you said: " + socket.rest());
  });
  const std::string to = "127.0.0.1:" + std::to_string(upstream.port());
  EXPECT_EQ(client.ask("CONNECT " + to + " HTTP/1.1\r\nHost: x\r\n\r\n", true).status, 200);
  client.send("bytes");
  client.end_writing();
  EXPECT_EQ(client.rest(), "hello you said: bytes");
  EXPECT_EQ(house.server->figures().tunnels, 1u);
}

TEST_F(Proxy, SaysWhyAHostCannotBeReached) {
  const Answer name = client.ask("CONNECT no.such.host.invalid:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(name.status, 502);
  EXPECT_NE(name.body.find("no.such.host.invalid:443"), std::string::npos);
  EXPECT_NE(name.body.find("resolve"), std::string::npos) << name.body;
  const Answer port = Client(house.port()).ask("CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(port.status, 502);
  EXPECT_NE(port.body.find("127.0.0.1:1: connect: Connection refused"), std::string::npos) << port.body;
}

TEST_F(Proxy, RefusesAsThePolicySays) {
  EXPECT_EQ(client.ask("CONNECT refused.example:443 HTTP/1.1\r\nHost: x\r\n\r\n").body,
            "refused.example is offline");
  EXPECT_EQ(Client(house.port()).ask("CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n").status, 403);
  EXPECT_EQ(Client(house.port()).ask("GET http://other.example/ HTTP/1.1\r\nHost: x\r\n\r\n").status, 403);
}

TEST_F(Proxy, RefusesConnectsThatAreNone) {
  for (const auto* target : {"nowhere", "host:", "host:0", ":443", "/path"})
    EXPECT_EQ(
        Client(house.port()).ask("CONNECT " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n").status,
        400)
        << target;
}

TEST_F(Proxy, RefusesATunnelInsideATunnel) {
  client.ask("CONNECT a.amazonaws.com:80 HTTP/1.1\r\nHost: x\r\n\r\n", true);
  EXPECT_EQ(client.ask("CONNECT b.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
}

TEST_F(Proxy, ServesAbsoluteTargetsOfOurs) {
  EXPECT_EQ(client.ask("GET http://s3.amazonaws.com/b//k?x=1 HTTP/1.1\r\nHost: wrong\r\n\r\n").body,
            "GET /b//k?x=1 ");
  EXPECT_EQ(client.ask("GET http://s3.amazonaws.com?list HTTP/1.1\r\nHost: wrong\r\n\r\n").body,
            "GET /?list ");
  EXPECT_EQ(script.heads().at(0).headers.joined("Host"), "s3.amazonaws.com");
  EXPECT_EQ(script.heads().at(0).peer.tunnel_host, "");
}

TEST_F(Proxy, ForwardsAbsoluteTargetsOfOthers) {
  std::string seen;
  FakeUpstream upstream([&](Client& socket) {
    seen = socket.receive(true).head;
    socket.send("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  });
  const std::string host = "127.0.0.1:" + std::to_string(upstream.port());
  const Answer answer = client.ask("GET http://" + host +
                                   "/a?b HTTP/1.1\r\nHost: x\r\nX-Keep: 1\r\nProxy-Connection: keep-alive\r\n"
                                   "Connection: x-gone\r\nX-Gone: 1\r\nProxy-Authorization: secret\r\n\r\n");
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "ok");
  EXPECT_TRUE(seen.starts_with("GET /a?b HTTP/1.1\r\nHost: " + host + "\r\n")) << seen;
  EXPECT_NE(seen.find("X-Keep: 1"), std::string::npos);
  for (const auto* gone : {"Proxy-", "X-Gone", "secret"})
    EXPECT_EQ(seen.find(gone), std::string::npos) << seen;
}

TEST_F(Proxy, ForwardsBodiesOfBothKinds) {
  for (const bool chunked : {false, true}) {
    std::string seen;
    Gate head_came;
    FakeUpstream upstream([&](Client& socket) {
      socket.receive(true);
      head_came.open();
      seen = socket.until(chunked ? "0\r\n\r\n" : "end");
      socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    Client sender(house.port());
    const std::string head =
        "PUT http://127.0.0.1:" + std::to_string(upstream.port()) + "/ HTTP/1.1\r\nHost: x\r\n";
    sender.send(head + (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: 7\r\n\r\n"));
    EXPECT_TRUE(head_came.pass());
    EXPECT_EQ(sender.ask(chunked ? "3\r\nthe\r\n4\r\n end\r\n0\r\n\r\n" : "the end").status, 200);
    EXPECT_TRUE(chunked ? seen.find(" end") != std::string::npos : seen == "the end") << seen;
  }
}

TEST_F(Proxy, SaysWhenAForwardedRequestGotNoAnswer) {
  FakeUpstream upstream([](Client& socket) { socket.receive(true); });
  const Answer answer =
      client.ask("GET http://127.0.0.1:" + std::to_string(upstream.port()) + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 502);
}

TEST(ProxyChain, GoesThroughTheNextProxy) {
  std::string seen;
  FakeUpstream upstream([&](Client& socket) {
    seen = socket.receive(true).head;
    socket.send("HTTP/1.1 200 Connection established\r\n\r\nearly ");
    socket.send("echo " + socket.rest());
  });
  Script script;
  const House house(script, {}, [&](const http::Head&, std::string_view, std::uint16_t) {
    http::ProxyDecision decision;
    decision.kind = Kind::kTunnel;
    decision.via_host = "127.0.0.1";
    decision.via_port = upstream.port();
    decision.via_authorization = "Basic abc";
    return decision;
  });
  Client client(house.port());
  EXPECT_EQ(client.ask("CONNECT pypi.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", true).status, 200);
  client.send("hi");
  client.end_writing();
  EXPECT_EQ(client.rest(), "early echo hi");
  EXPECT_TRUE(seen.starts_with("CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\n")) << seen;
  EXPECT_NE(seen.find("Proxy-Authorization: Basic abc\r\n"), std::string::npos);
}

TEST(ProxyChain, SaysWhatTheNextProxyAnswered) {
  FakeUpstream upstream([](Client& socket) {
    socket.receive(true);
    socket.send("HTTP/1.1 403 Forbidden by taste\r\nContent-Length: 0\r\n\r\n");
  });
  Script script;
  const House house(script, {}, [&](const http::Head&, std::string_view, std::uint16_t) {
    http::ProxyDecision decision;
    decision.kind = Kind::kTunnel;
    decision.via_host = "127.0.0.1";
    decision.via_port = upstream.port();
    return decision;
  });
  const Answer answer = Client(house.port()).ask("CONNECT pypi.org:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 502);
  EXPECT_NE(answer.body.find("pypi.org:443 through the proxy 127.0.0.1:"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("403 Forbidden by taste"), std::string::npos) << answer.body;
}

TEST(ProxyTunnels, EndWhenNothingMoves) {
  std::atomic<bool> ended{false};
  FakeUpstream upstream([&](Client& socket) {
    socket.rest();
    ended = true;
  });
  Script script;
  const House house(script, ServerOptions{.idle_timeout = std::chrono::seconds(1)}, decide);
  Client client(house.port());
  client.ask("CONNECT 127.0.0.1:" + std::to_string(upstream.port()) + " HTTP/1.1\r\nHost: x\r\n\r\n", true);
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

TEST(ProxyTunnels, DoNotHoldAShutdownUp) {
  FakeUpstream upstream([](Client& socket) { socket.rest(); });
  Script script;
  const House house(script, {}, decide);
  Client client(house.port());
  client.ask("CONNECT 127.0.0.1:" + std::to_string(upstream.port()) + " HTTP/1.1\r\nHost: x\r\n\r\n", true);
  client.send("x");
  const auto start = std::chrono::steady_clock::now();
  house.server->shutdown(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
}

/// The clients of real users. `command` finds the proxy's URL in $1 and the authority in $2.
void run_client(const House& house, const std::string& program, const std::vector<std::string>& arguments) {
  const TempFolder folder = *TempFolder::make(fs::temp_directory_path(), "net-proxy");
  ASSERT_TRUE(write_file(folder.path() / "ca.pem", *house.server->authority_certificate()));
  ChildOptions options;
  options.argv = {program};
  for (std::string argument : arguments) {
    if (argument == "<proxy>") argument = "http://127.0.0.1:" + std::to_string(house.port());
    if (argument == "<port>") argument = std::to_string(house.port());
    if (argument == "<ca>") argument = folder.path() / "ca.pem";
    options.argv.push_back(argument);
  }
  auto child = Child::start(options);
  if (!child) GTEST_SKIP() << program << " is not here: " << child.error().message();
  const auto status = child->wait(20s);
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->ok()) << program << " ended with " << status->code;
}

TEST_F(Proxy, PassesCurl) {
  run_client(house, "curl",
             {"--silent", "--show-error", "--fail", "--output", "/dev/null", "--max-time", "10", "--noproxy",
              "", "--proxy", "<proxy>", "--cacert", "<ca>", "https://sts.us-east-1.amazonaws.com/x"});
  EXPECT_EQ(script.heads().size(), 1u);
}

TEST_F(Proxy, PassesAStrictPython) {
  run_client(house, "python3",
             {"-c", R"(
import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.verify_flags |= ssl.VERIFY_X509_STRICT
connection = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context, timeout=10)
connection.set_tunnel("sts.us-east-1.amazonaws.com", 443)
for _ in range(3):
    connection.request("PUT", "/x", body=b"y" * 100000)
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    assert answer.read().endswith(b"y" * 100000)
)",
              "<port>", "<ca>"});
  EXPECT_EQ(script.heads().size(), 3u);
}

}  // namespace
}  // namespace sagelet::net::testing
