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
  enum class Of { kJob, kOurselves };  ///< whose line

  /// Goes on with what a killed runner left in the folder. `limit`: bytes that may wait; further lines are
  /// dropped and counted.
  LogSpool(std::string folder, std::uint64_t limit, std::uint64_t segment_size = 8u << 20);

  /// Lines of the job that a killed runner had put on disk, acknowledged ones included.
  std::uint64_t lines_found() const { return lines_found_; }
  /// Batches that the server had accepted from it.
  std::uint64_t batches_found() const { return batches_found_; }

  bool has_waiting() const { return written_ > acknowledged_; }  ///< before either side begins

  // the writer's side
  void append(std::int64_t time_ms, std::string_view line, Of of = Of::kJob);
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
  /// acknowledged. The first after a killed runner is the one that it was sending.
  std::optional<Batch> next(std::size_t most_records, std::uint64_t most_bytes);
  /// On disk before it is sent as the batch after `batches` others: sent again by the next runner, it is the
  /// same.
  void sending(const Batch& batch, std::uint64_t batches);
  void acknowledge(const Batch& batch, std::uint64_t batches);
  /// Nobody will read any more: everything waiting and to come is forgotten.
  void abandon();

 private:
  struct Segment {
    std::uint64_t start = 0, lines = 0;  ///< bytes of the stream, and the job's lines, before it
    UniqueFd fd;
    std::string path;
  };
  void find_what_is_left();
  std::vector<Segment> segments_in_folder() const;
  bool room_for(std::uint64_t bytes);
  void say_what_is_missing();
  void add(std::int64_t time_ms, std::string_view line, bool counts);
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
  std::uint64_t lines_ = 0;          ///< of the job, dropped ones too
  std::uint64_t lines_on_disk_ = 0;  ///< of these, before pending_
  bool fresh_segment_ = false;       ///< lines were dropped: no segment's count goes on beyond them
  std::int64_t last_time_ = 0;
  std::uint64_t lines_found_ = 0, batches_found_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Segment> segments_;
  std::uint64_t written_ = 0, acknowledged_ = 0;
  std::uint64_t in_flight_ = 0;  ///< bytes of the batch that a killed runner was sending
  UniqueFd state_;
  bool closed_ = false, abandoned_ = false;
};

}  // namespace sagelet::runner
