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
#include <thread>

#include "base/log.hpp"
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

struct Node {
  std::string name;
  std::map<std::string, std::size_t, std::less<>> children;
  std::size_t parent = 0, item = 0;
  bool folder = true;
};

/// Node 0 is the root; a node's inode number is its index and one.
class Tree {
 public:
  Tree() : nodes_(1) {}

  Status add(std::string_view name, std::size_t item) {
    std::size_t at = 0;
    for (std::string_view rest = name; !rest.empty();) {
      const auto slash = rest.find('/');
      const bool last = slash == rest.npos;
      const auto found = nodes_[at].children.find(rest.substr(0, slash));
      if (found != nodes_[at].children.end()) {
        if (last != !nodes_[found->second].folder)
          return Error(ErrorKind::kInvalid,
                       "an object's name is also the folder of another: " + std::string(name));
        at = found->second;
      } else {
        at = append(at, std::string(rest.substr(0, slash)), last, item);
      }
      rest.remove_prefix(last ? rest.size() : slash + 1);
    }
    return {};
  }

  const Node* at(fuse_ino_t ino) const { return ino - 1 < nodes_.size() ? &nodes_[ino - 1] : nullptr; }

 private:
  std::size_t append(std::size_t parent, std::string name, bool file, std::size_t item) {
    const std::size_t index = nodes_.size();
    nodes_[parent].children.emplace(name, index);
    nodes_.push_back(
        {.name = std::move(name), .children = {}, .parent = parent, .item = item, .folder = !file});
    return index;
  }

  std::vector<Node> nodes_;
};

}  // namespace

struct FastFile::State {
  State(std::vector<Item> all, const Server& to, const StopSignal& signal)
      : items(std::move(all)), server(to), stop(signal) {}
  ~State() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t told = ::write(wake.get(), &one, sizeof one);
    for (std::thread& thread : threads) thread.join();
    if (session) Library::get().fuse_session_destroy(session);
  }

  struct stat about(fuse_ino_t ino, const Node& node) const {
    struct stat out {};
    out.st_ino = ino;
    out.st_mode = node.folder ? S_IFDIR | 0555 : S_IFREG | 0444;
    out.st_nlink = 1;
    out.st_uid = ::geteuid();
    out.st_gid = ::getegid();
    out.st_size = node.folder ? 0 : static_cast<off_t>(items[node.item].size);
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

  std::vector<Item> items;
  const Server& server;
  const StopSignal& stop;
  Tree tree;
  UniqueFd wake{::eventfd(0, EFD_CLOEXEC)};
  int fd = -1;  ///< the session's own
  fuse_session* session = nullptr;
  std::vector<std::thread> threads;

  // ---- what the kernel asks

  static State& of(fuse_req_t request) {
    return *static_cast<State*>(Library::get().fuse_req_userdata(request));
  }

  static void init(void*, fuse_conn_info* connection) { connection->max_readahead = 1 << 20; }

  static void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    const State& state = of(request);
    const Node* folder = state.tree.at(parent);
    const auto found =
        folder ? folder->children.find(std::string_view(name)) : decltype(folder->children.end()){};
    if (!folder || found == folder->children.end()) return no(request, ENOENT);
    fuse_entry_param entry{};
    entry.ino = found->second + 1;
    entry.attr = state.about(entry.ino, *state.tree.at(entry.ino));
    entry.attr_timeout = entry.entry_timeout = kForEver;
    Library::get().fuse_reply_entry(request, &entry);
  }

  static void getattr(fuse_req_t request, fuse_ino_t ino, fuse_file_info*) {
    const State& state = of(request);
    const Node* node = state.tree.at(ino);
    if (!node) return no(request, ENOENT);
    const struct stat about = state.about(ino, *node);
    Library::get().fuse_reply_attr(request, &about, kForEver);
  }

  static void readdir(fuse_req_t request, fuse_ino_t ino, std::size_t size, off_t offset,
                      fuse_file_info* info) {
    const State& state = of(request);
    const Node* node = state.tree.at(ino);
    if (!node || !node->folder) return no(request, ENOTDIR);
    // A folder's names as the kernel goes through them; where it stands is kept with the open folder.
    auto& names = *reinterpret_cast<std::vector<std::size_t>*>(info->fh);
    std::string out(size, '\0');
    std::size_t used = 0;
    for (auto i = static_cast<std::size_t>(offset); i < names.size(); ++i) {
      const struct stat about = state.about(names[i] + 1, *state.tree.at(names[i] + 1));
      const std::size_t needed = Library::get().fuse_add_direntry(request, out.data() + used, size - used,
                                                                  state.tree.at(names[i] + 1)->name.c_str(),
                                                                  &about, static_cast<off_t>(i + 1));
      if (needed > size - used) break;
      used += needed;
    }
    Library::get().fuse_reply_buf(request, out.data(), used);
  }

  static void opendir(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
    const Node* node = of(request).tree.at(ino);
    if (!node || !node->folder) return no(request, ENOTDIR);
    auto names = std::make_unique<std::vector<std::size_t>>();
    for (const auto& [name, index] : node->children) names->push_back(index);
    info->fh = reinterpret_cast<std::uint64_t>(names.release());
    info->cache_readdir = info->keep_cache = 1;
    Library::get().fuse_reply_open(request, info);
  }

  static void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    delete reinterpret_cast<std::vector<std::size_t>*>(info->fh);
    no(request, 0);
  }

  static void open(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
    State& state = of(request);
    const Node* node = state.tree.at(ino);
    if (!node || node->folder) return no(request, EISDIR);
    if ((info->flags & O_ACCMODE) != O_RDONLY) return no(request, EROFS);
    const Item& item = state.items[node->item];
    info->fh =
        reinterpret_cast<std::uint64_t>(new ObjectReader(state.server, state.stop, item.from, item.size));
    info->keep_cache = 1;  // a second epoch reads from memory
    Library::get().fuse_reply_open(request, info);
  }

  static void release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    delete reinterpret_cast<ObjectReader*>(info->fh);
    no(request, 0);
  }

  static void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
    auto& reader = *reinterpret_cast<ObjectReader*>(info->fh);
    const auto bytes = reader.read(static_cast<std::uint64_t>(offset), size);
    if (bytes) {
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

Result<std::unique_ptr<FastFile>> FastFile::serve(UniqueFd fuse, std::vector<Item> items,
                                                  const Server& server, const StopSignal& stop) {
  if (const char* why = why_not()) return Error(ErrorKind::kUnavailable, why);
  const Library& library = Library::get();
  std::unique_ptr<FastFile> channel(new FastFile);
  channel->state_ = std::make_unique<State>(std::move(items), server, stop);
  State& state = *channel->state_;
  for (std::size_t i = 0; i < state.items.size(); ++i) TRY(state.tree.add(state.items[i].name, i));
  fuse_lowlevel_ops calls{};
  calls.init = State::init;
  calls.lookup = State::lookup;
  calls.getattr = State::getattr;
  calls.open = State::open;
  calls.read = State::read;
  calls.release = State::release;
  calls.opendir = State::opendir;
  calls.readdir = State::readdir;
  calls.releasedir = State::releasedir;
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
