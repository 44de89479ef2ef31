#pragma once
// The log that is not acknowledged yet, on disk (docs/formats/job-folder.md).
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace sagelet::runner {

struct LogRecord {
  std::int64_t time_ms = 0;
  std::string text;
};

/// One writer, one reader, each on its own thread; the reader sees what was committed.
class LogSpool {
 public:
  /// `limit`: bytes that may wait; further lines are dropped and counted.
  LogSpool(std::string folder, std::uint64_t limit, std::uint64_t segment_size = 8u << 20);

  // the writer's side
  void append(std::int64_t time_ms, std::string_view line);
  /// Puts what was appended on disk and wakes the reader.
  void commit();
  /// No more lines will come.
  void close();

  // the reader's side
  struct Batch {
    std::vector<LogRecord> records;
    std::uint64_t bytes = 0;  ///< of the stream, for acknowledge()
  };
  /// Blocks for the first line, then a little longer for company; nullopt when closed and all is
  /// acknowledged.
  std::optional<Batch> next(std::size_t most_records, std::uint64_t most_bytes);
  void acknowledge(const Batch& batch);
  /// Nobody will read any more: everything waiting and to come is forgotten.
  void abandon();

 private:
  struct Segment {
    std::uint64_t start;
    UniqueFd fd;
    std::string path;
  };
  bool room_for(std::uint64_t bytes);
  void add(std::int64_t time_ms, std::string_view line);
  bool write_out();
  bool start_segment();
  void remove_read_segments();
  Batch read(std::uint64_t from, std::uint64_t to, std::size_t most_records, std::uint64_t most_bytes);
  std::string bytes_at(std::uint64_t from, std::uint64_t size);

  const std::string folder_;
  const std::uint64_t limit_, segment_size_;

  // the writer's own
  std::string pending_;
  std::uint64_t dropped_ = 0;
  std::int64_t last_time_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Segment> segments_;
  std::uint64_t written_ = 0, acknowledged_ = 0;
  bool closed_ = false, abandoned_ = false;
};

}  // namespace sagelet::runner
