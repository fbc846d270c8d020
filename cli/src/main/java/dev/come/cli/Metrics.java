package dev.come.cli;

import java.io.PrintWriter;
import java.util.List;

/**
 * What was measured on texts: a short name for tables, and the whole one below them.
 *
 * @param names as records have them, such as {@code wiki2 (test) perplexity per token, windows of 2048 tokens, no BOS token}
 */
record Metrics(List<String> names) {
    Metrics {
        names = names.stream().distinct().toList();
    }

    /** For a table: perplexity, or perplexity 2 where there are several. */
    String label(String name) {
        return label(names.indexOf(name));
    }

    private String label(int index) {
        return names.size() == 1 ? "perplexity" : "perplexity " + (index + 1);
    }

    /** The labels of all. */
    List<String> labels() {
        return names.stream().map(this::label).toList();
    }

    /** Says below a table what its short names stand for. */
    void legend(PrintWriter out) {
        for (int i = 0; i < names.size(); i++) {
            String label = label(i);
            out.println(Character.toUpperCase(label.charAt(0)) + label.substring(1) + ": " + names.get(i) + ".");
        }
    }
}
