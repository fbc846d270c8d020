package dev.come.cli;

import dev.come.distill.Curve;
import dev.come.distill.Distillation;
import dev.come.distill.Measures;
import dev.come.prune.PruningPlan;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * How training went, in tables. Single layers and the whole model have tables of their own, since what is measured on them is not
 * the same: the states after one layer that was given the teacher's, and the last states of a model on its own.
 */
final class Curves {
    private Curves() {
    }

    static void print(Distillation.Result trained, PruningPlan plan, PrintWriter out) {
        if (!trained.layerCurves().isEmpty()) {
            String objective = plan.settings().at("/" + PruningPlan.DISTILLATION + "/options/objective").asString("");
            Table layers = table("each layer by itself");
            trained.layerCurves()
                    .forEach((position, curve) -> row(layers,
                            Objects.requireNonNull(trained.layerNames().get(position)), curve));
            out.println(layers);
            out.println();
            legend("validation loss (" + objective + ")", "its output", out);
        }
        Optional<Curve> model = trained.modelCurve();
        if (model.isPresent()) {
            if (!trained.layerCurves().isEmpty()) {
                out.println();
            }
            Measures before = model.get().start();
            Measures after = model.get().best();
            Table table = table("");
            row(table, "whole model", model.get());
            out.println(table);
            out.println();
            legend(before.hasParts()
                    ? "validation loss (KL" + (before.hasHidden() ? " and hidden term" : "")
                            + (before.hasCrossEntropy() ? " and cross-entropy" : "") + ")"
                    : "validation loss (KL of next tokens)", "the last states", out);
            if (before.hasParts()) {
                out.printf("Of the loss of the whole model: KL %s, after %s%s%s.%n", number(before.nextTokens()),
                        number(after.nextTokens()), part("hidden term", before.hidden(), after.hidden()),
                        part("cross-entropy", before.crossEntropy(), after.crossEntropy()));
            }
        }
    }

    private static String part(String name, double before, double after) {
        return Double.isNaN(before)
                ? ""
                : "; %s before its weight %s, after %s".formatted(name, number(before), number(after));
    }

    private static Table table(String what) {
        return new Table(what, "steps", "loss", "after", "MSE", "after", "1 - cosine", "after");
    }

    private static void legend(String loss, String states, PrintWriter out) {
        out.println("Loss: " + loss + ". MSE and 1 - cosine: of " + states + " beside the teacher's.");
    }

    private static void row(Table table, String what, Curve curve) {
        table.row(what, "" + curve.points().getLast().step(), number(curve.start().loss()),
                number(curve.best().loss()), number(curve.start().mse()), number(curve.best().mse()),
                number(curve.start().cosine()), number(curve.best().cosine()));
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.4g", value);
    }
}
