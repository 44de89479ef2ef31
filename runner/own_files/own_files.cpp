// sagelet-own-files UID GID FOLDER...: everything below the folders becomes UID's.
//
// Run as root inside a container of the job's own image (client/docker_own_files.hpp), so it is linked
// statically and needs nothing of the image. Never follows a link, for a job may leave one to anywhere, nor
// enters a mount.
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

/// Without the owner's rights its new owner could neither store nor remove it.
bool give(const FTSENT& entry, uid_t user, gid_t group) {
  const auto& about = *entry.fts_statp;
  if (about.st_uid != user || about.st_gid != group)
    if (::lchown(entry.fts_accpath, user, group) != 0) return false;
  if (S_ISLNK(about.st_mode)) return true;
  const mode_t least = S_ISDIR(about.st_mode) ? 0700 : 0600;
  return (about.st_mode & least) == least || ::chmod(entry.fts_accpath, (about.st_mode & 07777) | least) == 0;
}

bool give_all(char* folder, uid_t user, gid_t group) {
  char* paths[] = {folder, nullptr};
  FTS* walk = ::fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr);
  if (walk == nullptr) return false;
  bool whole = true;
  while (const FTSENT* entry = ::fts_read(walk))
    if (entry->fts_info != FTS_DP) whole = entry->fts_info != FTS_NS && give(*entry, user, group) && whole;
  ::fts_close(walk);
  return whole;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: sagelet-own-files UID GID FOLDER...\n", stderr);
    return 2;
  }
  bool whole = true;
  for (int i = 3; i < argc; ++i)
    whole = give_all(argv[i], static_cast<uid_t>(std::strtoul(argv[1], nullptr, 10)),
                     static_cast<gid_t>(std::strtoul(argv[2], nullptr, 10))) &&
            whole;
  return whole ? 0 : 1;
}
