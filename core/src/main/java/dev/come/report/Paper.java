package dev.come.report;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Where a method comes from, so that a model made by it can be cited. */
enum Paper {
    COME("Wang, Fei and Shen, Li and Ding, Liang and Xue, Chao and Liu, Ye and Ding, Changxing",
            "Layer as Puzzle Pieces: Compressing Large Language Models through Layer Concatenation", 2025,
            "https://openreview.net/forum?id=enhFXzKii4"), SLEB("Song, Jiwon and others",
                    "SLEB: Streamlining LLMs through Redundancy Verification and Elimination of Transformer Blocks",
                    2024,
                    "https://arxiv.org/abs/2402.09025"), SHORT_GPT("Men, Xin and others",
                            "ShortGPT: Layers in Large Language Models are More Redundant Than You Expect", 2024,
                            "https://arxiv.org/abs/2403.03853"), SHORTENED_LLAMA("Kim, Bo-Kyeong and others",
                                    "Shortened LLaMA: Depth Pruning for Large Language Models with Comparison of Retraining Methods",
                                    2024,
                                    "https://arxiv.org/abs/2402.02834"), MKA("Liu, Deyuan and others",
                                            "Pruning via Merging: Compressing LLMs via Manifold Alignment Based Layer Merging",
                                            2024,
                                            "https://arxiv.org/abs/2406.16330"), LACO(
                                                    "Yang, Yifei and Cao, Zouying and Zhao, Hai",
                                                    "LaCo: Large Language Model Pruning via Layer Collapse", 2024,
                                                    "https://arxiv.org/abs/2402.11187");

    private final String authors;
    private final String title;
    private final int year;
    private final String url;

    Paper(String authors, String title, int year, String url) {
        this.authors = authors;
        this.title = title;
        this.year = year;
        this.url = url;
    }

    /** The paper of a method; nothing for one of this project, or for layers that were named by hand. */
    static Optional<Paper> of(String method) {
        return switch (method) {
            case "concat_merge", "concat_merge_P" -> Optional.of(COME);
            case "sleb" -> Optional.of(SLEB);
            case "shortgpt" -> Optional.of(SHORT_GPT);
            case "magnitude", "magnitude+", "taylor", "taylor+" -> Optional.of(SHORTENED_LLAMA);
            case "mka" -> Optional.of(MKA);
            case "laco" -> Optional.of(LACO);
            default -> Optional.empty();
        };
    }

    /** How to cite a method and the paper that this program is of, as a section of a model card. */
    static String cited(String method) {
        return "\n## Citation\n\n```bibtex\n" + Stream.concat(of(method).stream(), Stream.of(COME)).distinct()
                .map(Paper::bibtex).collect(Collectors.joining("\n\n")) + "\n```\n";
    }

    private String bibtex() {
        return "@misc{%s%s,\n  author = {%s},\n  title = {%s},\n  year = {%s},\n  url = {%s}\n}"
                .formatted(name().toLowerCase(Locale.ROOT), year, authors, title, year, url);
    }
}
