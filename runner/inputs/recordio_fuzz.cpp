#include <cstdint>
#include <cstdlib>

#include "runner/inputs/recordio.hpp"

// Any bytes are read without harm, and what we write is read back, however it is cut into parts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::runner;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto records = read_records(bytes); records) {
    std::string again;
    for (const std::string& record : *records) again += record_of(record);
    if (*read_records(again) != *records) std::abort();
  }
  RecordWriter writer(size, 8);
  const std::string one = writer.put(bytes.substr(0, size / 3));
  const std::string two = writer.put(bytes.substr(size / 3));
  const auto read = read_records(one + two + writer.end());
  if (!read || read->size() != 1 || read->front() != bytes) std::abort();
  return 0;
}
