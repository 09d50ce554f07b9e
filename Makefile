# A thin front for those who type make; the build itself is CMakeLists.txt.
PREFIX ?= /usr/local

all:
	cmake --preset release
	cmake --build build

check:
	./check

install: all
	DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"

format:
	find . -name '*.[ch]' -not -path './build/*' -exec clang-format -i {} +

clean:
	rm -rf build

.PHONY: all check install format clean
