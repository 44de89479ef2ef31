# Compiler flags that hold for every room. Presets choose build type and sanitizers.
find_program(SAGELET_CCACHE ccache)
if(SAGELET_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SAGELET_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${SAGELET_CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Wno-missing-field-initializers)
if(SAGELET_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees overlaps and uninitialised reads in inlined std::string and std::variant code that are not there.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-stringop-overflow)
endif()
add_compile_options(-fstack-protector-strong)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_compile_options(-O2 -fdata-sections -ffunction-sections)
  add_link_options(-s)
endif()

find_program(SAGELET_MOLD mold)
if(SAGELET_MOLD AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "AppleClang")
  add_link_options(-fuse-ld=mold)
endif()

# Of a static package only what is called is linked: libarchive's other formats would want six libraries more.
add_link_options(-Wl,--gc-sections)

if(SAGELET_SANITIZE)
  add_compile_options(-fsanitize=${SAGELET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${SAGELET_SANITIZE})
  if(SAGELET_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio's fences, which the sanitizer does not see; its mutexes it does
  endif()
endif()
if(SAGELET_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # the rooms' code must report its coverage
endif()
if(SAGELET_CRASH_POINTS)
  add_compile_definitions(SAGELET_CRASH_POINTS)
endif()

include_directories(${CMAKE_SOURCE_DIR})
