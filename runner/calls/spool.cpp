#include "runner/calls/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "fmt/format.h"

namespace sagelet::runner {
namespace {

constexpr std::size_t kHead = 12;             // time, length
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

}  // namespace

LogSpool::LogSpool(std::string folder, std::uint64_t limit, std::uint64_t segment_size)
    : folder_(std::move(folder)), limit_(limit), segment_size_(segment_size) {
  if (const Status made = make_folders(folder_); !made) log::error("log spool: {}", made.error().message());
}

bool LogSpool::room_for(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  return !abandoned_ && written_ - acknowledged_ + pending_.size() + bytes <= limit_;
}

void LogSpool::append(std::int64_t time_ms, std::string_view line) {
  if (!room_for(line.size() + kHead)) {
    ++dropped_;
    return;
  }
  last_time_ = std::max(last_time_, time_ms);
  if (dropped_ > 0)
    add(last_time_,
        fmt::format("[sagelet] {} log lines are missing here: more than {} bytes waited for the server",
                    std::exchange(dropped_, 0), limit_));
  while (!line.empty()) {
    const std::size_t length = cut_point(line);
    add(last_time_, line.substr(0, length));
    line.remove_prefix(length);
  }
  if (pending_.size() > kPendingLimit) commit();
}

void LogSpool::add(std::int64_t time_ms, std::string_view line) {
  char head[kHead];
  const auto length = static_cast<std::uint32_t>(line.size());
  std::memcpy(head, &time_ms, 8);
  std::memcpy(head + 8, &length, 4);
  pending_.append(head, kHead).append(line);
}

void LogSpool::commit() {
  if (pending_.empty()) return;
  if (!write_out()) ++dropped_;
  pending_.clear();
  changed_.notify_all();
}

// Records are never split over segments: a commit goes whole into one.
bool LogSpool::write_out() {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return true;
  if (segments_.empty() || written_ - segments_.back().start >= segment_size_)
    if (!start_segment()) return false;
  const Segment& segment = segments_.back();
  if (const Status done = pwrite_all(segment.fd.get(), pending_, written_ - segment.start); !done) {
    log::error("log spool: {}", done.error().message());
    return false;
  }
  written_ += pending_.size();
  return true;
}

bool LogSpool::start_segment() {
  const std::string path = fmt::format("{}/{:020}.log", folder_, written_);
  auto fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
  if (!fd) {
    log::error("log spool: {}", fd.error().message());
    return false;
  }
  segments_.push_back({written_, std::move(*fd), path});
  return true;
}

void LogSpool::close() {
  if (dropped_ > 0) {
    add(last_time_,
        fmt::format("[sagelet] {} log lines are missing here: more than {} bytes waited for the server",
                    std::exchange(dropped_, 0), limit_));
  }
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
  const std::uint64_t from = acknowledged_, to = written_;
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
    std::uint32_t length;
    std::memcpy(&record.time_ms, bytes.data() + batch.bytes, 8);
    std::memcpy(&length, bytes.data() + batch.bytes + 8, 4);
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

void LogSpool::acknowledge(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  acknowledged_ += batch.bytes;
  remove_read_segments();
}

void LogSpool::remove_read_segments() {
  while (!segments_.empty()) {
    const bool last = segments_.size() == 1;
    const std::uint64_t end = last ? written_ : segments_[1].start;
    const bool full = !last || written_ - segments_[0].start >= segment_size_ || closed_;
    if (acknowledged_ < end || !full) return;
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
