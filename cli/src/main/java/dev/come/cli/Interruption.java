package dev.come.cli;

import dev.come.failure.UnderWay;
import dev.come.failure.Unfinished;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The action when the process must end at once, as after Ctrl-C or SIGTERM. It takes away what is half done, and tells the
 * user how to go on, if a run that is under way has kept something. Java then ends with 128 and the number of the signal: 130 after Ctrl-C.
 */
final class Interruption {
    private static final List<Runnable> BEFORE = new CopyOnWriteArrayList<>();

    private Interruption() {
    }

    /** Has the user told, when the time comes. A run that has ended is not under way, so nothing is said at an ordinary end. */
    static void tellHowToGoOn(PrintStream err) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            BEFORE.forEach(Runnable::run);
            Unfinished.removeAll();
            UnderWay.howToGoOn().forEach(sentence -> err.println("come: interrupted. " + sentence));
            err.flush();
        }, "come-interruption"));
    }

    /** Has something done before the user is told. */
    static void before(Runnable work) {
        BEFORE.add(work);
    }
}
