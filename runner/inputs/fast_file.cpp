#define FUSE_USE_VERSION 314
#include "runner/inputs/fast_file.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "runner/inputs/file_tree.hpp"
#include "runner/inputs/object_reader.hpp"

namespace sagelet::runner {
namespace {

constexpr double kForEver = 86400;  // the channel does not change while the job runs
constexpr int kThreads = 4;

#define SAGELET_FUSE_CALLS(call)                                                                            \
  call(fuse_session_new) call(fuse_session_mount) call(fuse_session_destroy) call(fuse_session_receive_buf) \
      call(fuse_session_process_buf) call(fuse_session_exited) call(fuse_reply_err) call(fuse_reply_entry)  \
          call(fuse_reply_attr) call(fuse_reply_open) call(fuse_reply_buf) call(fuse_add_direntry)          \
              call(fuse_req_userdata)

/// libfuse3's functions, by name.
struct Library {
#define SAGELET_FUSE_MEMBER(name) decltype(&::name) name = nullptr;
  SAGELET_FUSE_CALLS(SAGELET_FUSE_MEMBER)
  bool whole = false;

  static const Library& get() {
    static const Library library = open();
    return library;
  }

 private:
  static Library open() {
    Library library;
    void* handle = ::dlopen("libfuse3.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!handle) return library;
    library.whole = true;
#define SAGELET_FUSE_LOAD(name)                                               \
  library.name = reinterpret_cast<decltype(&::name)>(::dlsym(handle, #name)); \
  library.whole = library.whole && library.name;
    SAGELET_FUSE_CALLS(SAGELET_FUSE_LOAD)
    return library;
  }
};

}  // namespace

struct FastFile::State {
  using Node = FileTree::Node;

  State(FileTree files, const Server& server, const StopSignal& stop)
      : tree(std::move(files)), s3(server, stop) {}
  ~State() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t told = ::write(wake.get(), &one, sizeof one);
    for (std::thread& thread : threads) thread.join();
    // Only a whole library makes a session.
    if (session) Library::get().fuse_session_destroy(session);  // NOLINT(clang-analyzer-core.CallAndMessage)
  }

  static struct stat about(const Node& node) {
    struct stat out {};
    out.st_ino = node.ino;
    out.st_mode = node.folder ? S_IFDIR | 0555 : S_IFREG | 0444;
    out.st_nlink = 1;
    out.st_uid = ::geteuid();
    out.st_gid = ::getegid();
    out.st_size = static_cast<off_t>(node.size);
    out.st_blocks = (out.st_size + 511) / 512;
    out.st_blksize = 1 << 20;
    return out;
  }

  void work() {
    const Library& fuse = Library::get();
    fuse_buf buffer{};
    while (!fuse.fuse_session_exited(session)) {
      pollfd fds[2] = {{fd, POLLIN, 0}, {wake.get(), POLLIN, 0}};
      ::poll(fds, 2, -1);
      if (fds[1].revents) break;
      const int got = fuse.fuse_session_receive_buf(session, &buffer);
      if (got == -EINTR || got == -EAGAIN) continue;
      if (got <= 0) break;
      fuse.fuse_session_process_buf(session, &buffer);
    }
    std::free(buffer.mem);
  }

  ObjectReader& add_reader(Item item) {
    auto reader = std::make_unique<ObjectReader>(s3, std::move(item.from), item.size);
    const std::lock_guard lock(mutex);
    return *readers.emplace(reader.get(), std::move(reader)).first->second;
  }

  void remove_reader(ObjectReader* reader) {
    std::unique_lock lock(mutex);
    const auto gone = readers.extract(reader);
    lock.unlock();  // it may wait for what it has under way
  }

  const FileTree tree;
  S3Pool s3;
  std::mutex mutex;
  std::map<ObjectReader*, std::unique_ptr<ObjectReader>> readers;  ///< open files
  UniqueFd wake{::eventfd(0, EFD_CLOEXEC)};
  int fd = -1;  ///< the session's own
  fuse_session* session = nullptr;
  std::vector<std::thread> threads;

  // ---- what the kernel asks

  static State& of(fuse_req_t request) {
    return *static_cast<State*>(Library::get().fuse_req_userdata(request));
  }

  /// The node; where there is none the kernel has its answer.
  static std::optional<Node> known(fuse_req_t request, const Result<std::optional<Node>>& found) {
    if (!found) log::warn("FastFile: {}", found.error().message());
    if (found && *found) return *found;
    no(request, found ? ENOENT : EIO);
    return std::nullopt;
  }

  static void init(void*, fuse_conn_info* connection) { connection->max_readahead = 1 << 20; }

  static void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    const auto node = known(request, of(request).tree.find(parent, name));
    if (!node) return;
    fuse_entry_param entry{};
    entry.ino = node->ino;
    entry.attr = about(*node);
    entry.attr_timeout = entry.entry_timeout = kForEver;
    Library::get().fuse_reply_entry(request, &entry);
  }

  static void getattr(fuse_req_t request, fuse_ino_t ino, fuse_file_info*) {
    const auto node = known(request, of(request).tree.at(ino));
    if (!node) return;
    const struct stat stat = about(*node);
    Library::get().fuse_reply_attr(request, &stat, kForEver);
  }

  static void readdir(fuse_req_t request, fuse_ino_t ino, std::size_t size, off_t offset, fuse_file_info*) {
    std::string out(size, '\0');
    std::size_t used = 0;
    const auto add = [&](const std::string& name, const Node& node, std::uint64_t next) {
      const struct stat stat = about(node);
      const std::size_t needed = Library::get().fuse_add_direntry(
          request, out.data() + used, size - used, name.c_str(), &stat, static_cast<off_t>(next));
      if (needed > size - used) return false;
      used += needed;
      return true;
    };
    const Status done = of(request).tree.list(ino, static_cast<std::uint64_t>(offset), add);
    if (!done) return no(request, done.error().is(ErrorKind::kNotFound) ? ENOTDIR : EIO);
    Library::get().fuse_reply_buf(request, out.data(), used);
  }

  static void opendir(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
    const auto node = known(request, of(request).tree.at(ino));
    if (!node) return;
    if (!node->folder) return no(request, ENOTDIR);
    info->cache_readdir = info->keep_cache = 1;
    Library::get().fuse_reply_open(request, info);
  }

  static void open(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
    State& state = of(request);
    const auto node = known(request, state.tree.at(ino));
    if (!node) return;
    if (node->folder) return no(request, EISDIR);
    if ((info->flags & O_ACCMODE) != O_RDONLY) return no(request, EROFS);
    auto item = state.tree.item_of(ino);
    if (!item) return no(request, EIO);
    info->fh = reinterpret_cast<std::uint64_t>(&state.add_reader(std::move(*item)));
    info->keep_cache = 1;  // a second epoch reads from memory
    Library::get().fuse_reply_open(request, info);
  }

  static void release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    of(request).remove_reader(reinterpret_cast<ObjectReader*>(info->fh));
    no(request, 0);
  }

  static void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
    auto& reader = *reinterpret_cast<ObjectReader*>(info->fh);
    const auto bytes = reader.read(static_cast<std::uint64_t>(offset), size);
    if (bytes) {
      // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): asked by a session, so the library is whole
      Library::get().fuse_reply_buf(request, bytes->data(), bytes->size());
      return;
    }
    log::warn("FastFile: {}", bytes.error().message());
    no(request, EIO);
  }

  static void no(fuse_req_t request, int error) { Library::get().fuse_reply_err(request, error); }
};

FastFile::FastFile() = default;
FastFile::~FastFile() = default;

const char* FastFile::why_not() {
  return Library::get().whole ? nullptr : "libfuse3.so.3 is not installed";
}

Result<std::unique_ptr<FastFile>> FastFile::serve(UniqueFd fuse, ItemList items, const Server& server,
                                                  const StopSignal& stop) {
  if (const char* why = why_not()) return Error(ErrorKind::kUnavailable, why);
  const Library& library = Library::get();
  std::unique_ptr<FastFile> channel(new FastFile);
  TRY(FileTree tree, FileTree::over(std::move(items)));
  channel->state_ = std::make_unique<State>(std::move(tree), server, stop);
  State& state = *channel->state_;
  fuse_lowlevel_ops calls{};
  calls.init = State::init;
  calls.lookup = State::lookup;
  calls.getattr = State::getattr;
  calls.open = State::open;
  calls.read = State::read;
  calls.release = State::release;
  calls.opendir = State::opendir;
  calls.readdir = State::readdir;
  char name[] = "sagelet";
  char* arguments[] = {name, nullptr};
  fuse_args words{1, arguments, 0};
  state.session = library.fuse_session_new(&words, &calls, sizeof calls, &state);
  if (!state.session) return Error(ErrorKind::kInternal, "libfuse3 makes no session");
  ::fcntl(fuse.get(), F_SETFL, O_NONBLOCK);
  state.fd = fuse.release();
  if (library.fuse_session_mount(state.session, ("/dev/fd/" + std::to_string(state.fd)).c_str()) != 0)
    return Error(ErrorKind::kInternal, "libfuse3 does not take the mount");
  for (int i = 0; i < kThreads; ++i) state.threads.emplace_back([&state] { state.work(); });
  return channel;
}

}  // namespace sagelet::runner
