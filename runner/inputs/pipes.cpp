#include "runner/inputs/pipes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <functional>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "runner/inputs/fetchers.hpp"
#include "runner/inputs/gunzip.hpp"
#include "runner/inputs/manifest.hpp"
#include "runner/inputs/recordio.hpp"

namespace sagelet::runner {
namespace {

constexpr std::uint64_t kPiece = 4u << 20;
/// While one object is written the next ones come, each up to its first piece: at most 8 MiB and two pieces.
constexpr std::size_t kAhead = 16;
constexpr std::uint64_t kFirstPiece = 512u << 10;
constexpr int kPipeSize = 1 << 20;
constexpr int kLook = 200;  // ms between looks at whether we are to end

using Sink = std::function<Status(std::string_view)>;

/// The reader closed, or we are to end: nobody's fault.
Error closed() {
  return Error(ErrorKind::kCancelled, "the reader is gone");
}

Status make_fifo(const std::string& path) {
  if (::mkfifo(path.c_str(), 0666) != 0 && errno != EEXIST) return Error::last(path);
  ::chmod(path.c_str(), 0666);  // whoever a container runs as
  return {};
}

}  // namespace

class Pipes::Feeder {
 public:
  Feeder(Pipes& owner, PipePlan plan)
      : owner_(owner),
        plan_(std::move(plan)),
        fetchers_(owner.server_, owner.stop_),
        thread_([this] { serve(); }) {}

  ~Feeder() {
    ending_ = true;
    // A thread that waits for a reader gets one for a moment.
    while (!done_) {
      const UniqueFd reader(::open(path_of(epoch_).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
      pollfd none{-1, 0, 0};
      ::poll(&none, 1, 2);
    }
    thread_.join();
  }

 private:
  std::string path_of(std::uint64_t epoch) const { return plan_.path + "_" + std::to_string(epoch); }

  void serve() {
    while (!ending_) {
      const Status done = serve_epoch();
      const bool quiet = done || done.error().is(ErrorKind::kCancelled);
      if (!quiet) {
        owner_.fail(done.error());
        hold();
        break;
      }
      fifo_.reset();
      ::unlink(path_of(epoch_).c_str());
      ++epoch_;
    }
    fifo_.reset();
    done_ = true;
  }

  /// The fifo stays open until the job has ended.
  void hold() {
    while (!ending_) {
      pollfd none{-1, 0, 0};
      ::poll(&none, 1, kLook);
    }
  }

  Status serve_epoch() {
    const std::string path = path_of(epoch_);
    TRY(make_fifo(path));
    fifo_.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC));  // waits for a reader
    if (ending_) return closed();
    if (!fifo_) return Error::last(path);
    ::fcntl(fifo_.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(fifo_.get(), F_SETPIPE_SZ, kPipeSize);
    TRY(make_fifo(path_of(epoch_ + 1)));
    coming_.clear();  // of an epoch that was not read to its end
    TRY(std::visit([this](const auto& content) { return send_all(content); }, plan_.content));
    return send_all_but(0);
  }

  /// Something that goes out as it is, or an object on its way.
  struct Part {
    std::string text;
    S3Location from;
    std::future<Result<S3Piece>> first;
  };

  Status send_all(const ItemList& items) {
    return plan_.order.each(items.size(), epoch_, [&](std::uint32_t i) -> Status {
      TRY(const Item item, items.at(i));
      return send_later(item.from);
    });
  }

  Status send_all(const RecordFile& lines) {
    return plan_.order.each(lines.size(), epoch_, [&](std::uint32_t i) -> Status {
      TRY(const std::string line, lines.at(i));
      return send_line(line);
    });
  }

  Status send_line(const std::string& line) {
    TRY(const std::vector<AttributeValue> values, attributes_of(line, plan_.attributes));
    for (const AttributeValue& value : values) {
      if (value.is_reference)
        TRY(send_later(*S3Location::parse(value.text)));
      else
        TRY(send_later(plan_.records ? record_of(value.text) : value.text));
    }
    return {};
  }

  Status send_later(const S3Location& from) {
    coming_.push_back({.text = {}, .from = from, .first = fetchers_.fetch(from, 0, kFirstPiece)});
    return send_all_but(kAhead);
  }

  Status send_later(std::string text) {
    coming_.push_back({.text = std::move(text), .from = {}, .first = {}});
    return send_all_but(kAhead);
  }

  Status send_all_but(std::size_t ahead) {
    while (coming_.size() > ahead) {
      Part part = std::move(coming_.front());
      coming_.pop_front();
      TRY(part.first.valid() ? send_object(part) : write(part.text));
    }
    return {};
  }

  Status send_object(Part& object) {
    const Sink raw = [this](std::string_view bytes) { return write(bytes); };
    if (plan_.gzip) return plan_.records ? send_unpacked_record(object) : unpack(object, raw);
    if (!plan_.records)
      return each_piece(object, [&](std::string_view bytes, std::uint64_t) { return raw(bytes); });
    std::optional<RecordWriter> record;
    TRY(each_piece(object, [&](std::string_view bytes, std::uint64_t total) -> Status {
      if (!record) record.emplace(total);
      return write(record->put(bytes));
    }));
    return write(record->end());
  }

  /// At least once, for an empty object too; the next piece comes meanwhile.
  Status each_piece(Part& object, const std::function<Status(std::string_view, std::uint64_t)>& piece) {
    std::uint64_t offset = 0, total = 0;
    auto coming = std::move(object.first);
    do {
      if (ending_) return closed();
      TRY(const S3Piece got, coming.get());
      if (got.bytes.empty() && got.total > offset)
        return Error(ErrorKind::kIo, "no bytes of " + object.from.uri());
      total = got.total;
      offset += got.bytes.size();
      if (offset < total) coming = fetchers_.fetch(object.from, offset, kPiece, got.etag);
      TRY(piece(got.bytes, total));
    } while (offset < total);
    return {};
  }

  Status unpack(Part& object, const Sink& sink) {
    Gunzip gunzip;
    TRY(each_piece(object, [&](std::string_view bytes, std::uint64_t) -> Status {
      Status done = gunzip.put(bytes, sink);
      return done || done.error().is(ErrorKind::kCancelled)
                 ? std::move(done)
                 : std::move(done.error()).context(object.from.uri());
    }));
    if (Status done = gunzip.end(); !done) return std::move(done.error()).context(object.from.uri());
    return {};
  }

  /// A record's head needs the length: the object is unpacked to a file first.
  Status send_unpacked_record(Part& object) {
    TRY(const UniqueFd file, unnamed_file(owner_.scratch_));
    std::uint64_t length = 0;
    TRY(unpack(object, [&](std::string_view bytes) -> Status {
      length += bytes.size();
      return write_all(file.get(), bytes);
    }));
    RecordWriter record(length);
    std::string buffer(1 << 18, '\0');
    ::lseek(file.get(), 0, SEEK_SET);
    while (true) {
      TRY(const std::size_t got, read_some(file.get(), buffer));
      if (got == 0) break;
      TRY(write(record.put({buffer.data(), got})));
    }
    return write(record.end());
  }

  Status write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (ending_) return closed();
      const ssize_t sent = ::write(fifo_.get(), bytes.data(), bytes.size());
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent >= 0 || errno == EINTR) continue;
      if (errno == EPIPE) return closed();
      if (errno != EAGAIN) return Error::last("writing to " + path_of(epoch_));
      pollfd fifo{fifo_.get(), POLLOUT, 0};
      ::poll(&fifo, 1, kLook);
    }
    return {};
  }

  Pipes& owner_;
  const PipePlan plan_;
  Fetchers fetchers_;
  std::deque<Part> coming_;
  UniqueFd fifo_;
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<bool> ending_{false}, done_{false};
  std::thread thread_;  // last: it uses all of the above
};

Pipes::Pipes(const Server& server, const StopSignal& stop, std::string scratch)
    : server_(server), stop_(stop), scratch_(std::move(scratch)) {}

Pipes::~Pipes() {
  feeders_.clear();
}

Status Pipes::add(PipePlan plan) {
  TRY(make_fifo(plan.path + "_0"));
  feeders_.push_back(std::make_unique<Feeder>(*this, std::move(plan)));
  return {};
}

std::optional<Error> Pipes::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

void Pipes::fail(const Error& error) {
  log::error("pipe mode: {}", error.message());
  {
    const std::lock_guard lock(mutex_);
    if (!fault_) fault_ = error;
  }
  stop_.request();
}

}  // namespace sagelet::runner
