#pragma once
// One connected socket with its unread input and its deadline; the coroutines that move bytes.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "server/http/message.hpp"
#include "server/net/asio.hpp"
#include "server/net/input.hpp"
#include "server/net/transport.hpp"

namespace sagelet::net {

class Loop;

enum class Fill {
  kBytes,
  kEnd,   ///< the other side has ended its stream
  kLate,  ///< the deadline passed, or the server stops
  kBroken,
};

/// Lives on its loop's thread. The loop aborts it when its deadline has passed; whoever waits then gives up.
class Channel {
 public:
  Channel(Loop& loop, UniqueFd socket);
  Channel(const Channel&) = delete;
  ~Channel();

  Loop& loop() { return loop_; }
  Input& in() { return in_; }
  int fd() { return descriptor_.native_handle(); }
  bool is_plain() const { return transport_->is_plain(); }

  /// From here on through TLS; what was read already belongs to it.
  void start_tls(SslPtr ssl);

  /// Reads once, at least one byte, into in(), with room for `least`. The caller has set the deadline.
  Task<Fill> fill(std::size_t least);
  /// Writes everything. The deadline moves with every byte that goes out.
  Task<bool> write(std::string_view bytes, bool more = false);
  /// sendfile(2); plain transports only. False also when the file is shorter than it was said to be.
  Task<bool> send_file(int file, std::uint64_t offset, std::uint64_t length);
  /// The socket can be read (or has ended).
  Task<bool> wait_readable() { return wait(Moved::kWantRead); }
  Task<bool> wait_writable() { return wait(Moved::kWantWrite); }
  /// Ends our direction and reads on for a while, so that an answer is not lost to a reset.
  Task<void> linger();
  void end_writing() { transport_->end_writing(); }

  void set_deadline(SteadyTime time) { deadline_ = time; }
  void clear_deadline() { deadline_ = SteadyTime::max(); }
  void move_deadline();  ///< a byte was moved: the idle timeout begins anew
  /// Idle: no request is under way, a graceful stop may cut here.
  void set_idle(bool idle) { idle_ = idle; }
  bool is_idle() const { return idle_; }
  bool is_aborted() const { return aborted_; }
  void abort();
  void abort_if_late(SteadyTime now) {
    if ((now >= deadline_ || (visit_ != nullptr && visit_->is_over())) && !aborted_) abort();
  }
  /// Outlives the channel; what is under way ends when it is over.
  void belong_to(const http::Visit* visit) { visit_ = visit; }

 private:
  Task<bool> wait(Moved what);
  /// Counts bytes that moved without a wait; after many of them the other channels of the loop get their
  /// turn.
  bool has_had_its_turn(std::size_t bytes);
  Task<bool> yield();  ///< false: aborted meanwhile

  Loop& loop_;
  Descriptor descriptor_;
  std::unique_ptr<Transport> transport_;
  Input in_;
  const http::Visit* visit_ = nullptr;
  SteadyTime deadline_ = SteadyTime::max();
  bool idle_ = false;
  bool aborted_ = false;
  std::size_t turn_ = 0;
  bool drained_ = false;  ///< the last read took all there was: wait before the next
};

}  // namespace sagelet::net
