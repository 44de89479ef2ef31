#include "runner/inputs/recordio.hpp"

#include <algorithm>

namespace sagelet::runner {
namespace {

constexpr std::uint32_t kMagic = 0xced7230a;
enum Part : std::uint32_t { kAll = 0, kFirst = 1, kMiddle = 2, kLast = 3 };

void append_word(std::string& out, std::uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(word >> shift & 0xff);
}

std::uint32_t word_at(std::string_view bytes) {
  std::uint32_t word = 0;
  for (int i = 3; i >= 0; --i)
    word = word << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  return word;
}

std::size_t padding_of(std::uint64_t length) {
  return (4 - length % 4) % 4;
}

Error broken(const char* what) {
  return Error(ErrorKind::kInvalid, std::string("not RecordIO: ") + what);
}

}  // namespace

RecordWriter::RecordWriter(std::uint64_t length, std::uint64_t longest_part)
    : length_(length), longest_part_(longest_part) {}

void RecordWriter::begin_part(std::string& out) {
  left_in_part_ = std::min(longest_part_, length_ - done_);
  const bool first = done_ == 0, last = done_ + left_in_part_ == length_;
  const Part part = first ? (last ? kAll : kFirst) : (last ? kLast : kMiddle);
  append_word(out, kMagic);
  append_word(out, part << 29 | static_cast<std::uint32_t>(left_in_part_));
  begun_ = true;
}

std::string RecordWriter::put(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 16);
  while (!bytes.empty() && done_ < length_) {
    if (left_in_part_ == 0) begin_part(out);
    const auto now =
        bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_in_part_, bytes.size())));
    out += now;
    bytes.remove_prefix(now.size());
    left_in_part_ -= now.size();
    done_ += now.size();
  }
  return out;
}

std::string RecordWriter::end() {
  std::string out;
  if (!begun_) begin_part(out);
  out.append(padding_of(length_), '\0');
  return out;
}

std::string record_of(std::string_view payload) {
  RecordWriter writer(payload.size());
  std::string out = writer.put(payload);
  return out + writer.end();
}

Result<std::vector<std::string>> read_records(std::string_view stream) {
  std::vector<std::string> records;
  bool open = false;  // within parts
  while (!stream.empty()) {
    if (stream.size() < 8) return broken("the stream ends in a head");
    if (word_at(stream) != kMagic) return broken("the magic is not there");
    const std::uint32_t word = word_at(stream.substr(4)), part = word >> 29, length = word & 0x1fffffff;
    if (part > kLast || open != (part == kMiddle || part == kLast)) return broken("parts out of order");
    stream.remove_prefix(8);
    const std::size_t whole = length + padding_of(length);
    if (stream.size() < whole) return broken("the stream ends in a record");
    if (!open) records.emplace_back();
    records.back().append(stream.substr(0, length));
    open = part == kFirst || part == kMiddle;
    stream.remove_prefix(whole);
  }
  if (open) return broken("the last part is missing");
  return records;
}

}  // namespace sagelet::runner
