#include "server/jobs/program_output.hpp"

#include <fcntl.h>

#include <chrono>

#include "base/child.hpp"
#include "base/fs.hpp"

namespace sagelet::jobs {

namespace {
constexpr auto kTimeout = std::chrono::seconds(20);
}

Result<std::string> output_of(std::vector<std::string> argv) {
  TRY(auto pipe, make_pipe());
  TRY(const auto nowhere, open_file("/dev/null", O_WRONLY));
  const auto name = argv.front();
  ChildOptions options;
  options.argv = std::move(argv);
  options.stdout_fd = pipe.write.get();
  options.stderr_fd = nowhere.get();
  TRY(auto child, Child::start(options));
  pipe.write.reset();
  const auto end = child.wait(kTimeout);  // a few lines fit the pipe: it does not wait for us
  if (!end || !end->ok()) return Error(ErrorKind::kInvalid, name + " failed");
  char buffer[8192];
  TRY(const auto size, read_some(pipe.read.get(), buffer));
  return std::string(buffer, size);
}

}  // namespace sagelet::jobs
