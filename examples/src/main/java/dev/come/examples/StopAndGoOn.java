package dev.come.examples;

import dev.come.InterruptedRunException;
import dev.come.UsageException;
import dev.come.api.Come;
import dev.come.api.Prune;
import java.nio.file.Path;

/** Interrupts a run, which goes on later. */
final class StopAndGoOn {
    private StopAndGoOn() {
    }

    static void main(String[] arguments) {
        Path folder = Path.of(arguments[0]);
        Come.Demo demo = Come.demo(folder.resolve("demo"));

        Prune wanted = Come.prune(demo.model()).method("sleb").layers(8).calibrateOn(demo.calibrationText()).samples(32)
                .saveTo(folder.resolve("small"));
        try {
            wanted.onStep(_ -> Thread.currentThread().interrupt()).run(); // any thread may interrupt this one
        } catch (InterruptedRunException e) {
            boolean flag = Thread.interrupted(); // set again by the run; clear it to go on in this thread
            System.out.println(e.getMessage() + " (" + flag + ")");
        }
        System.out.println(wanted.onStep(step -> System.out.println(step.layersLeft() + " layers left")).run().tree());

        try {
            Come.prune(demo.model()).method("sleb").layers(11).saveTo(folder.resolve("none")).run();
        } catch (UsageException e) {
            System.out.println(e.getMessage());
        }
    }
}
