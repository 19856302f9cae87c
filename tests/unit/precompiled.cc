// Nothing: the program whose precompiled header all test programs read (deploy/cmake/precompile.cmake).
int main() {}
