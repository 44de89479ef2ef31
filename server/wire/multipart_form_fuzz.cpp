// A form read whole and the same form read in two pieces must come to the same; its fields stay bounded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/wire/multipart_form.hpp"

namespace {

using sagelet::Status;
using sagelet::wire::MultipartForm;

std::string reading(std::string_view body, std::size_t cut) {
  std::string seen;
  MultipartForm form("xx", {.begins =
                                [&](std::string filename) {
                                  seen += "[" + filename + "]";
                                  return Status();
                                },
                            .bytes =
                                [&](std::string_view bytes) {
                                  seen += bytes;
                                  return Status();
                                }});
  bool good = form.feed(body.substr(0, cut)).has_value() && form.feed(body.substr(cut)).has_value();
  std::size_t size = 0;
  for (const auto& field : form.fields()) {
    size += field.value.size();
    if (good) seen += field.name + "=" + field.value + ";";
  }
  if (size > MultipartForm::kMostFields) std::abort();
  good = good && form.finish().has_value();
  return good ? seen : "broken";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = body.empty() ? 0 : data[0] * body.size() / 256;
  if (reading(body, cut) != reading(body, body.size())) std::abort();
  (void)sagelet::wire::form_boundary(body);
  return 0;
}
