package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FailuresTests {
    /** As the class loader tells it when a library that the engine needs is not there. */
    @Test
    void anEngineThatCannotBeLoadedSaysWhichLibraryIsMissing() {
        Error missing = new UnsatisfiedLinkError("no jnitorch in java.library.path");
        missing.initCause(new UnsatisfiedLinkError("libjnitorch.so: libcudart.so.13: cannot open shared object file"));
        LinkageError seen = new NoClassDefFoundError("Could not initialize class NoGradGuard");
        seen.initCause(new ExceptionInInitializerError(missing));
        assertThat(Failures.ofEngine(seen)).hasLineCount(1).startsWith("come: the tensor engine cannot be loaded (")
                .contains("libcudart.so.13: cannot open shared object file").contains("LD_LIBRARY_PATH");
    }
}
