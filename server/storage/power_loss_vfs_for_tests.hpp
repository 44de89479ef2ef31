#pragma once
// SQLite's system layer on a disk that forgets what was not synced (power_loss_for_tests.hpp). For tests
// only.
#include <algorithm>
#include <string>

#include "server/storage/power_loss_for_tests.hpp"
#include "sqlite3.h"

namespace sagelet::storage {

class PowerLossVfs {
 public:
  static constexpr const char* kName = "sagelet-power-loss";

  /// From now on files of this VFS are on that disk.
  static void use(Power& power) {
    static const bool once = [] {
      install();
      return true;
    }();
    (void)once;
    current() = &power;
  }

 private:
  struct File {
    sqlite3_file base;
    sqlite3_file* real;
    std::string* path;  ///< null: a file that nobody keeps
  };

  static Power*& current() {
    static Power* power = nullptr;
    return power;
  }
  static sqlite3_vfs*& real_vfs() {
    static sqlite3_vfs* vfs = nullptr;
    return vfs;
  }
  static sqlite3_io_methods& methods() {
    static sqlite3_io_methods made;
    return made;
  }
  static File* mine(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static sqlite3_file* real(sqlite3_file* file) { return mine(file)->real; }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* me = mine(file);
    me->real = reinterpret_cast<sqlite3_file*>(me + 1);
    me->path = nullptr;
    me->base.pMethods = nullptr;
    const bool kept = name != nullptr && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0;
    const bool fresh = kept && (flags & SQLITE_OPEN_CREATE) != 0 && ::access(name, F_OK) != 0;
    int code = SQLITE_IOERR;
    const auto act = [&] { code = real_vfs()->xOpen(real_vfs(), name, me->real, flags, out); };
    if (!fresh) act();
    if (fresh && !current()->step([&] {
          act();
          if (code == SQLITE_OK) current()->named(name);
        }))
      if (code != SQLITE_OK) return SQLITE_IOERR;
    if (me->real->pMethods == nullptr) return code;
    if (kept) me->path = new std::string(name);
    me->base.pMethods = &methods();
    return code;
  }

  static int write(sqlite3_file* file, const void* from, int length, sqlite3_int64 at) {
    if (mine(file)->path == nullptr) return real(file)->pMethods->xWrite(real(file), from, length, at);
    int code = SQLITE_IOERR_WRITE;
    const bool done = current()->step([&] {
      sqlite3_int64 size = 0;
      (void)real(file)->pMethods->xFileSize(real(file), &size);
      std::string before(static_cast<std::size_t>(std::clamp<sqlite3_int64>(size - at, 0, length)), '\0');
      if (!before.empty())
        (void)real(file)->pMethods->xRead(real(file), before.data(), static_cast<int>(before.size()), at);
      current()->wrote(*mine(file)->path,
                       {static_cast<std::uint64_t>(at), std::move(before), static_cast<std::uint64_t>(length),
                        static_cast<std::uint64_t>(size)});
      code = real(file)->pMethods->xWrite(real(file), from, length, at);
    });
    return done ? code : SQLITE_IOERR_WRITE;
  }

  /// SQLite syncs the folder with the first sync of a new WAL, within its own system layer.
  static int sync(sqlite3_file* file, int) {
    if (mine(file)->path == nullptr) return SQLITE_OK;
    const auto& path = *mine(file)->path;
    const bool done = current()->step([&] {
      current()->synced(path);
      if (path.ends_with("-wal") && current()->has_entry(path))
        current()->synced_folder(fs::path(path).parent_path());
    });
    return done ? SQLITE_OK : SQLITE_IOERR_FSYNC;
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    int code = SQLITE_IOERR_TRUNCATE;
    const bool done = current()->step([&] { code = real(file)->pMethods->xTruncate(real(file), size); });
    return done ? code : SQLITE_IOERR_TRUNCATE;
  }

  static int remove(sqlite3_vfs*, const char* name, int sync_folder) {
    int code = SQLITE_IOERR_DELETE;
    const bool done = current()->step([&] {
      if (sync_folder == 0) current()->removed(name);
      code = real_vfs()->xDelete(real_vfs(), name, 0);
    });
    return done ? code : SQLITE_IOERR_DELETE;
  }

  static void fill_methods() {
    auto& m = methods();
    m.iVersion = 3;
    m.xClose = [](sqlite3_file* f) {
      delete std::exchange(mine(f)->path, nullptr);
      return real(f)->pMethods->xClose(real(f));
    };
    m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), to, n, at);
    };
    m.xWrite = write;
    m.xTruncate = truncate;
    m.xSync = sync;
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return real(f)->pMethods->xFileSize(real(f), n); };
    m.xLock = [](sqlite3_file* f, int l) { return real(f)->pMethods->xLock(real(f), l); };
    m.xUnlock = [](sqlite3_file* f, int l) { return real(f)->pMethods->xUnlock(real(f), l); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* r) {
      return real(f)->pMethods->xCheckReservedLock(real(f), r);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* a) {
      return real(f)->pMethods->xFileControl(real(f), op, a);
    };
    m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      return real(f)->pMethods->xDeviceCharacteristics(real(f));
    };
    m.xShmMap = [](sqlite3_file* f, int p, int n, int e, void volatile** o) {
      return real(f)->pMethods->xShmMap(real(f), p, n, e, o);
    };
    m.xShmLock = [](sqlite3_file* f, int o, int n, int l) {
      return real(f)->pMethods->xShmLock(real(f), o, n, l);
    };
    m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int d) { return real(f)->pMethods->xShmUnmap(real(f), d); };
    m.xFetch = [](sqlite3_file* f, sqlite3_int64 at, int n, void** o) {
      return real(f)->pMethods->xFetch(real(f), at, n, o);
    };
    m.xUnfetch = [](sqlite3_file* f, sqlite3_int64 at, void* p) {
      return real(f)->pMethods->xUnfetch(real(f), at, p);
    };
  }

  static void install() {
    real_vfs() = sqlite3_vfs_find(nullptr);
    fill_methods();
    static sqlite3_vfs vfs = *real_vfs();
    vfs.zName = kName;
    vfs.szOsFile = static_cast<int>(sizeof(File)) + real_vfs()->szOsFile;
    vfs.xOpen = open;
    vfs.xDelete = remove;
    vfs.pNext = nullptr;
    sqlite3_vfs_register(&vfs, 0);
  }
};

}  // namespace sagelet::storage
