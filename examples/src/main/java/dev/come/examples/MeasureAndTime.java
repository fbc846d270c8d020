package dev.come.examples;

import dev.come.api.Come;
import dev.come.api.Evaluation;
import dev.come.api.ModelDescription;
import dev.come.api.Timings;
import java.nio.file.Path;

/** Tells what a model is, how well it predicts a text, and how fast it is. */
final class MeasureAndTime {
    private MeasureAndTime() {
    }

    static void main(String[] arguments) {
        Path folder = Path.of(arguments[0]);
        Come.Demo demo = Come.demo(folder.resolve("demo"));

        ModelDescription model = Come.inspect(demo.model()).run();
        System.out.println(model.modelType() + ", " + model.parameters() + " parameters in "
                + model.sizes().orElseThrow().layers() + " layers");

        Evaluation measured = Come.eval(demo.model()).perplexityOn(demo.testText()).perplexityWindows(8).run();
        measured.perplexity().forEach((text, value) -> System.out.println(text + ": " + value));

        Timings times = Come.latency(demo.model()).removalRatio(0.2).promptTokens(64).iterations(2).run();
        for (Timings.Model timed : times.models()) {
            System.out.println(timed.layers() + " layers: " + timed.prompt().median() + " s");
        }
    }
}
