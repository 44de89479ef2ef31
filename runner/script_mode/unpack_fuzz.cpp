#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/fs.hpp"
#include "runner/script_mode/unpack.hpp"

// Any archive: nothing may appear beside the folder it is unpacked to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto folder = sagelet::TempFolder::make(sagelet::fs::temp_directory_path(), "unpack-fuzz-");
  const std::string code = (folder->path() / "code").string();
  const sagelet::script_mode::UnpackLimits limits{.bytes = 1 << 20, .entries = 100};
  (void)sagelet::script_mode::unpack_bytes(
      {reinterpret_cast<const char*>(data), size}, code, [](std::string) {}, limits);
  for (const auto& entry : sagelet::fs::directory_iterator(folder->path()))
    if (entry.path().filename() != "code") std::abort();
  return 0;
}
