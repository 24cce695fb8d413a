// Part of a stand-in: see its README.md.
#pragma once

#define TF_LITE_REMOVE_VIRTUAL_DELETE \
  void operator delete(void*) {}
