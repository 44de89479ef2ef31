#include "runner/calls/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "fmt/format.h"

namespace sagelet::runner {
namespace {

constexpr std::size_t kHead = 12;             // time, length
constexpr std::uint32_t kCounts = 1u << 31;   // in the length: the first record of a line of the job's
constexpr std::size_t kLongestLine = 262144;  // CloudWatch's event, less its own 26 bytes
constexpr std::uint64_t kEventCost = 26;      // what CloudWatch adds to each event's size
constexpr std::size_t kPendingLimit = 1u << 20;
constexpr std::chrono::milliseconds kCompany{30};

/// Lines are cut between UTF-8 characters where that is possible.
std::size_t cut_point(std::string_view line) {
  if (line.size() <= kLongestLine) return line.size();
  std::size_t cut = kLongestLine;
  while (cut > kLongestLine - 4 && (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) --cut;
  return cut;
}

struct Head {
  std::int64_t time_ms = 0;
  std::uint32_t length = 0;
  bool counts = false;
};

Head head_at(const char* bytes) {
  Head head;
  std::memcpy(&head.time_ms, bytes, 8);
  std::memcpy(&head.length, bytes + 8, 4);
  head.counts = (head.length & kCounts) != 0;
  head.length &= ~kCounts;
  return head;
}

/// What is at the start of `bytes` of whole records.
struct WholeRecords {
  std::uint64_t bytes = 0, lines = 0;
  std::int64_t newest_ms = 0;
};

WholeRecords whole_records(std::string_view bytes) {
  WholeRecords whole;
  while (bytes.size() - whole.bytes >= kHead) {
    const Head head = head_at(bytes.data() + whole.bytes);
    if (head.length == 0 || head.length > kLongestLine || bytes.size() - whole.bytes - kHead < head.length)
      break;
    whole.bytes += kHead + head.length;
    whole.lines += head.counts;
    whole.newest_ms = head.time_ms;
  }
  return whole;
}

/// "<first byte>-<lines before>.log"
std::optional<std::pair<std::uint64_t, std::uint64_t>> numbers_in(const std::string& name) {
  unsigned long long start = 0, lines = 0;
  int end = 0;
  if (std::sscanf(name.c_str(), "%20llu-%llu.log%n", &start, &lines, &end) != 2) return std::nullopt;
  if (static_cast<std::size_t>(end) != name.size()) return std::nullopt;
  return std::pair{start, lines};
}

/// The file `state`: what the server has, and what it was being sent.
struct State {
  std::uint64_t acknowledged = 0, batches = 0, in_flight = 0;
};

}  // namespace

LogSpool::LogSpool(std::string folder, std::uint64_t limit, std::uint64_t segment_size)
    : folder_(std::move(folder)), limit_(limit), segment_size_(segment_size) {
  if (const Status made = make_folders(folder_); !made) log::error("log spool: {}", made.error().message());
  if (auto fd = open_file(folder_ + "/state", O_RDWR | O_CREAT)) {
    state_ = std::move(*fd);
    find_what_is_left();
  } else {
    log::error("log spool: {}", fd.error().message());
  }
}

std::vector<LogSpool::Segment> LogSpool::segments_in_folder() const {
  std::vector<Segment> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    const auto numbers = numbers_in(entry->path().filename().native());
    auto fd = numbers ? open_file(entry->path(), O_RDWR) : Result<UniqueFd>(UniqueFd());
    if (numbers && fd) found.push_back({numbers->first, numbers->second, std::move(*fd), entry->path()});
  }
  std::ranges::sort(found, {}, &Segment::start);
  return found;
}

/// Only the last segment's end can be torn.
void LogSpool::find_what_is_left() {
  State state;
  if (!pread_all(state_.get(), std::span(reinterpret_cast<char*>(&state), sizeof state), 0)) state = {};
  for (Segment& segment : segments_in_folder()) segments_.push_back(std::move(segment));
  acknowledged_ = written_ = state.acknowledged;
  batches_found_ = state.batches;
  in_flight_ = state.in_flight;
  if (segments_.empty()) return;
  const Segment& last = segments_.back();
  const auto bytes = read_file(last.path, 1u << 30);
  if (!bytes) {  // nothing is cut off that could not be read
    log::error("log spool: {}", bytes.error().message());
    segments_.clear();
    return;
  }
  const WholeRecords whole = whole_records(*bytes);
  written_ = last.start + whole.bytes;
  last_time_ = whole.newest_ms;
  if (::ftruncate(last.fd.get(), static_cast<off_t>(whole.bytes)) != 0)
    log::error("log spool: {}", Error::last(last.path).message());
  lines_ = lines_on_disk_ = lines_found_ = last.lines + whole.lines;
}

bool LogSpool::room_for(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  return !abandoned_ && written_ - acknowledged_ + pending_.size() + bytes <= limit_;
}

void LogSpool::append(std::int64_t time_ms, std::string_view line, Of of) {
  const bool counts = of == Of::kJob;
  if (!room_for(line.size() + kHead)) {
    ++dropped_;
    lines_ += counts;
    return;
  }
  last_time_ = std::max(last_time_, time_ms);
  say_what_is_missing();
  lines_ += counts;
  for (bool first = true; !line.empty(); first = false) {
    const std::size_t length = cut_point(line);
    add(last_time_, line.substr(0, length), counts && first);
    line.remove_prefix(length);
  }
  if (pending_.size() > kPendingLimit) commit();
}

void LogSpool::say_what_is_missing() {
  if (dropped_ == 0) return;
  commit();
  fresh_segment_ = true;
  lines_on_disk_ = lines_;
  add(last_time_,
      fmt::format("[sagelet] {} log lines are missing here: more than {} bytes waited for the server",
                  std::exchange(dropped_, 0), limit_),
      false);
}

void LogSpool::add(std::int64_t time_ms, std::string_view line, bool counts) {
  char head[kHead];
  const auto length = static_cast<std::uint32_t>(line.size()) | (counts ? kCounts : 0);
  std::memcpy(head, &time_ms, 8);
  std::memcpy(head + 8, &length, 4);
  pending_.append(head, kHead).append(line);
}

void LogSpool::commit() {
  if (pending_.empty()) return;
  if (!write_out()) {
    ++dropped_;
    fresh_segment_ = true;
  }
  lines_on_disk_ = lines_;
  pending_.clear();
  changed_.notify_all();
}

// Records are never split over segments: a commit goes whole into one.
bool LogSpool::write_out() {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return true;
  if (segments_.empty() || fresh_segment_ || written_ - segments_.back().start >= segment_size_)
    if (!start_segment()) return false;
  fresh_segment_ = false;
  const Segment& segment = segments_.back();
  if (const Status done = pwrite_all(segment.fd.get(), pending_, written_ - segment.start); !done) {
    log::error("log spool: {}", done.error().message());
    return false;
  }
  written_ += pending_.size();
  return true;
}

bool LogSpool::start_segment() {
  const std::string path = fmt::format("{}/{:020}-{}.log", folder_, written_, lines_on_disk_);
  auto fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
  if (!fd) {
    log::error("log spool: {}", fd.error().message());
    return false;
  }
  segments_.push_back({written_, lines_on_disk_, std::move(*fd), path});
  return true;
}

void LogSpool::close() {
  say_what_is_missing();
  commit();
  const std::lock_guard lock(mutex_);
  closed_ = true;
  remove_read_segments();
  changed_.notify_all();
}

std::optional<LogSpool::Batch> LogSpool::next(std::size_t most_records, std::uint64_t most_bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return written_ > acknowledged_ || closed_ || abandoned_; });
  changed_.wait_for(lock, kCompany,
                    [&] { return closed_ || abandoned_ || written_ - acknowledged_ >= most_bytes; });
  if (abandoned_ || written_ == acknowledged_) return std::nullopt;
  const std::uint64_t from = acknowledged_, to = in_flight_ > 0 ? from + in_flight_ : written_;
  in_flight_ = 0;
  lock.unlock();
  return read(from, to, most_records, most_bytes);
}

std::string LogSpool::bytes_at(std::uint64_t from, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  std::string bytes;
  for (std::size_t i = 0; i < segments_.size() && bytes.size() < size; ++i) {
    const std::uint64_t end = i + 1 < segments_.size() ? segments_[i + 1].start : written_;
    const std::uint64_t at = from + bytes.size();
    if (at < segments_[i].start || at >= end) continue;
    const auto part = static_cast<std::size_t>(std::min(size - bytes.size(), end - at));
    const std::size_t before = bytes.size();
    bytes.resize(before + part);
    if (!pread_all(segments_[i].fd.get(), std::span(bytes).subspan(before), at - segments_[i].start)) {
      bytes.resize(before);
      break;
    }
  }
  return bytes;
}

LogSpool::Batch LogSpool::read(std::uint64_t from, std::uint64_t to, std::size_t most_records,
                               std::uint64_t most_bytes) {
  const std::string bytes = bytes_at(from, std::min<std::uint64_t>(to - from, most_bytes + kLongestLine));
  Batch batch;
  std::uint64_t cost = 0;
  while (batch.records.size() < most_records && bytes.size() - batch.bytes >= kHead) {
    LogRecord record;
    const auto [time_ms, length, counts] = head_at(bytes.data() + batch.bytes);
    record.time_ms = time_ms;
    cost += length + kEventCost;
    const bool whole = bytes.size() - batch.bytes - kHead >= length;
    if (!whole || (cost > most_bytes && !batch.records.empty())) break;
    record.text = bytes.substr(batch.bytes + kHead, length);
    batch.bytes += kHead + length;
    batch.records.push_back(std::move(record));
  }
  if (batch.records.empty()) {
    log::error("log spool: unreadable from byte {}", from);
    batch.bytes = to - from;
  }
  return batch;
}

void LogSpool::sending(const Batch& batch, std::uint64_t batches) {
  const State state{acknowledged_, batches, batch.bytes};
  if (const Status kept = pwrite_all(state_.get(), {reinterpret_cast<const char*>(&state), sizeof state}, 0);
      !kept)
    log::error("log spool: {}", kept.error().message());
}

void LogSpool::acknowledge(const Batch& batch, std::uint64_t batches) {
  const std::lock_guard lock(mutex_);
  acknowledged_ += batch.bytes;
  const Batch none;
  sending(none, batches);
  remove_read_segments();
}

/// The newest stays until the end, for its count of lines.
void LogSpool::remove_read_segments() {
  while (!segments_.empty()) {
    const bool last = segments_.size() == 1;
    const std::uint64_t end = last ? written_ : segments_[1].start;
    if (acknowledged_ < end || (last && !closed_)) return;
    ::unlink(segments_[0].path.c_str());
    segments_.pop_front();
  }
}

void LogSpool::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  for (const Segment& segment : segments_) ::unlink(segment.path.c_str());
  segments_.clear();
  changed_.notify_all();
}

}  // namespace sagelet::runner
