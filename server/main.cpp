// sagelet: a local SageMaker. The command line is in cli/, the server in app.cpp.
#include <signal.h>

#include <cstdio>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "server/app.hpp"
#include "server/cli/cli.hpp"
#include "server/offline.hpp"

namespace {

using sagelet::App;
using sagelet::Config;

/// Blocked before any thread is made, so that only this one gets them.
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

int cannot_start(const sagelet::Error& error) {
  std::fprintf(stderr, "sagelet: %s\n", error.message().c_str());
  return sagelet::cli::kCannotStart;
}

int serve(const Config& config) {
  const sigset_t ending = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  sagelet::log::start(sagelet::log::Level::kInfo);
  auto app = App::start(config);
  if (!app) return cannot_start(app.error());
  std::printf("sagelet ready %s\n", (*app)->url().c_str());
  std::fflush(stdout);
  if (!config.ready_file.empty())
    if (auto written = sagelet::write_file(config.ready_file, (*app)->url() + "\n"); !written)
      return cannot_start(written.error());
  int number = 0;
  ::sigwait(&ending, &number);
  (*app)->shutdown();
  return sagelet::cli::kOk;
}

}  // namespace

int main(int argc, char** argv) {
  return sagelet::cli::run(argc, argv, serve, sagelet::offline_hooks());
}
