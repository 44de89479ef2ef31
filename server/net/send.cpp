#include "server/net/send.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <charconv>
#include <exception>
#include <vector>

#include "base/log.hpp"
#include "server/net/loop.hpp"
#include "server/net/signal.hpp"

namespace sagelet::net {

namespace {

constexpr std::size_t kSmallBody = 16 * 1024;  ///< up to here copied behind the head: one write
constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kChunkHead = 10;  ///< room for eight hex digits and a line end

/// Appends the file's bytes behind the head.
Status append_range(std::string& out, const http::FileRange& range) {
  const std::size_t start = out.size();
  out.resize(start + range.length);
  return pread_all(range.file->get(), std::span<char>(out.data() + start, range.length), range.offset);
}

/// Through TLS, or where sendfile cannot be used.
Task<bool> copy_file(Channel& channel, const http::FileRange& range) {
  std::vector<char> buffer(std::min<std::uint64_t>(kPiece, range.length));
  for (std::uint64_t sent = 0; sent < range.length;) {
    const std::size_t piece = std::min<std::uint64_t>(buffer.size(), range.length - sent);
    const std::span<char> part(buffer.data(), piece);
    if (!pread_all(range.file->get(), part, range.offset + sent)) co_return false;
    const bool written = co_await channel.write(std::string_view(part.data(), piece));
    if (!written) co_return false;
    sent += piece;
  }
  co_return true;
}

/// One piece of a stream, pulled on the pool while the coroutine waits.
Task<Result<std::size_t>> pull(Channel& channel, Core& core, http::PullStream& stream,
                               std::span<char> space) {
  Result<std::size_t> count = std::size_t{0};
  Signal pulled(channel.loop().executor(), 1);
  channel.clear_deadline();
  auto work = [&count, &pulled, &stream, space] {
    try {
      count = stream.read(space);
    } catch (const std::exception& bug) {
      count = Error(ErrorKind::kInternal, bug.what());
    }
    pulled.arrive();
  };
  asio::post(core.pool, std::move(work));
  co_await pulled.wait();
  channel.move_deadline();
  co_return count;
}

/// Puts the size line right in front of the piece and gives the whole chunk.
std::string_view framed_chunk(std::vector<char>& buffer, std::size_t bytes) {
  std::array<char, kChunkHead> head{};
  char* end = std::to_chars(head.data(), head.data() + 8, bytes, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  const auto size = static_cast<std::size_t>(end - head.data());
  char* start = buffer.data() + kChunkHead - size;
  std::copy(head.data(), end, start);
  buffer[kChunkHead + bytes] = '\r';
  buffer[kChunkHead + bytes + 1] = '\n';
  return {start, size + bytes + 2};
}

/// An error in the middle cannot be told any more: the connection breaks off, which no client takes for the
/// end.
Task<bool> send_stream(Channel& channel, Core& core, http::PullStream& stream, const Framing& framing) {
  std::vector<char> buffer(kChunkHead + kPiece + 2);
  const std::span<char> space(buffer.data() + kChunkHead, kPiece);
  std::uint64_t sent = 0;
  for (;;) {
    const Result<std::size_t> count = co_await pull(channel, core, stream, space);
    if (!count) log::warn("net: a streamed answer breaks off: {}", count.error().message());
    if (!count) co_return false;
    if (*count == 0) break;
    sent += *count;
    if (framing.length && sent > *framing.length) co_return false;
    const std::string_view plain(space.data(), *count);
    const bool written = co_await channel.write(framing.chunked ? framed_chunk(buffer, *count) : plain);
    if (!written) co_return false;
  }
  if (framing.chunked) co_return co_await channel.write("0\r\n\r\n");
  co_return !framing.length || sent == *framing.length;
}

Task<bool> send_range(Channel& channel, const http::FileRange& range, std::string& scratch) {
  bool done = co_await channel.write(scratch, true);
  if (!done) co_return false;
  if (channel.is_plain()) {
    done = co_await channel.send_file(range.file->get(), range.offset, range.length);
  } else {
    done = co_await copy_file(channel, range);
  }
  if (!done && !channel.is_aborted()) log::debug("net: a file's answer breaks off");
  co_return done;
}

Task<bool> send_bytes(Channel& channel, const std::string& body, std::string& scratch) {
  if (body.size() <= kSmallBody) {
    scratch += body;
    co_return co_await channel.write(scratch);
  }
  const bool begun = co_await channel.write(scratch, true);
  if (!begun) co_return false;
  co_return co_await channel.write(body);
}

/// A file that cannot be read is found out while its answer can still be another.
bool replace_by_failure(http::Response& response, const Error& error) {
  log::error("net: cannot read the file of an answer: {}", error.message());
  response = http::Response::text(500, "The stored bytes cannot be read.\n");
  response.close = true;
  return true;
}

}  // namespace

Task<bool> send_response(Channel& channel, Core& core, http::Response& response, const Framing& framing,
                         const RequestFacts& request, std::string& scratch) {
  scratch.clear();
  append_head(scratch, response, framing, request, channel.loop().date());
  if (!framing.sends_body) co_return co_await channel.write(scratch);
  if (const auto* bytes = std::get_if<std::string>(&response.body))
    co_return co_await send_bytes(channel, *bytes, scratch);
  if (const auto* stream = std::get_if<std::shared_ptr<http::PullStream>>(&response.body)) {
    const bool begun = co_await channel.write(scratch, true);
    if (!begun) co_return false;
    co_return co_await send_stream(channel, core, **stream, framing);
  }
  const auto& range = std::get<http::FileRange>(response.body);
  if (range.length > kSmallBody) co_return co_await send_range(channel, range, scratch);
  if (const Status read = append_range(scratch, range); !read) {
    replace_by_failure(response, read.error());
    const Framing failed = framing_of(response, request);
    co_await send_response(channel, core, response, failed, request, scratch);
    co_return false;
  }
  co_return co_await channel.write(scratch);
}

}  // namespace sagelet::net
