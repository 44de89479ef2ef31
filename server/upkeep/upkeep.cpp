#include "server/upkeep/upkeep.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "nlohmann/json.hpp"
#include "server/upkeep/snapshot.hpp"

namespace sagelet::upkeep {

void yield_to_others() {
  constexpr int kThisThread = 1 /* IOPRIO_WHO_PROCESS */, kIdle = 3 << 13 /* IOPRIO_CLASS_IDLE */;
  constexpr int kNice = 10;
  (void)::syscall(SYS_ioprio_set, kThisThread, 0, kIdle);
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice);
}

Upkeep::Upkeep(storage::ObjectStore& store, const fs::path& data) : store_(store), data_(fs::absolute(data)) {
  if (auto removed = remove_tree(saving()); !removed) log::warn("{}", removed.error().message());
}

Upkeep::~Upkeep() {
  {
    const std::lock_guard lock(mutex_);
    if (scrub_) scrub_->stop();
  }
  if (thread_.joinable()) thread_.join();
}

void Upkeep::start_scrub() {
  const std::lock_guard lock(mutex_);
  if (running_) return;
  if (thread_.joinable()) thread_.join();
  scrub_ = std::make_unique<Scrub>(store_, Scrub::Users::kOthers);
  running_ = true;
  thread_ = std::thread([this] { run_scrub(); });
}

void Upkeep::run_scrub() {
  yield_to_others();
  auto done = scrub_->run();
  const auto report = scrub_->report();
  log::info("scrub: {} objects, {} bytes, {} problems{}", report.objects, report.bytes, report.problems,
            done ? "" : "; it ended early: " + done.error().message());
  const std::lock_guard lock(mutex_);
  scrubbed_ = std::move(done);
  running_ = false;
}

std::string Upkeep::scrub_json() const {
  const std::lock_guard lock(mutex_);
  if (!scrub_) return ScrubReport().json("none");
  if (running_) return scrub_->report().json("running");
  if (!scrubbed_) return scrub_->report().json("failed", scrubbed_.error().message());
  return scrub_->report().json("done");
}

Result<std::string> Upkeep::prepare_snapshot() {
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    name = std::to_string(++serial_);
  }
  const auto folder = saving() / name;
  if (auto prepared = upkeep::prepare_snapshot(store_, data_, folder); !prepared) {
    (void)remove_tree(folder);
    return prepared.error();
  }
  return nlohmann::json{{"folder", folder.native()}, {"name", name}}.dump() + "\n";
}

Status Upkeep::drop_snapshot(std::string_view name) {
  const bool number = !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
  if (!number) return Error(ErrorKind::kNotFound, "no snapshot is prepared under that name");
  return remove_tree(saving() / name);
}

}  // namespace sagelet::upkeep
