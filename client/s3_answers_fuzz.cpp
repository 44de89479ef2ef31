// What an S3 store answers in XML: any bytes are a page, a failure, or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client/s3_answers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)sagelet::client::read_s3_failure(bytes);
  (void)sagelet::client::read_s3_page(bytes);
  return 0;
}
