package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FailuresTests {
    private static String told(Throwable failure, boolean verbose) {
        StringWriter text = new StringWriter();
        assertThat(Failures.onFailure(failure, "come prune", new PrintWriter(text, true), verbose)).isEqualTo(1);
        return text.toString();
    }

    /** As the class loader tells it when a library that the engine needs is not there. */
    @Test
    void anEngineThatCannotBeLoadedSaysWhichLibraryIsMissing() {
        Error missing = new UnsatisfiedLinkError("no jnitorch in java.library.path");
        missing.initCause(new UnsatisfiedLinkError("libjnitorch.so: libcudart.so.13: cannot open shared object file"));
        LinkageError seen = new NoClassDefFoundError("Could not initialize class NoGradGuard");
        seen.initCause(new ExceptionInInitializerError(missing));
        assertThat(told(seen, false)).hasLineCount(1).startsWith("come: the tensor engine cannot be loaded (")
                .contains("libcudart.so.13: cannot open shared object file").contains("LD_LIBRARY_PATH");
    }

    static List<Throwable> failures() {
        return List.of(new OutOfMemoryError("Java heap space"), new StackOverflowError(),
                new AssertionError("two\nlines"), new NoSuchMethodError("add"), new InternalError(),
                new IllegalStateException(new OutOfMemoryError("GC overhead limit exceeded")));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void anErrorIsOneSentenceAndItsTraceIsForTheVerbose(Throwable failure) {
        assertThat(told(failure, false)).hasLineCount(1).startsWith("come: ").doesNotContain("\tat ");
        assertThat(told(failure, true)).startsWith("come: ").contains("\tat ", failure.getClass().getName());
    }

    @Test
    void memoryThatNobodyNamedIsThatOfTheCommand() {
        assertThat(told(new OutOfMemoryError("Java heap space"), false))
                .startsWith("come: 'come prune' needs more than")
                .contains("COME_JAVA_OPTS=-Xmx");
    }
}
