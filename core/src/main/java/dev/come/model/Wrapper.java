package dev.come.model;

import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Quantisation;
import dev.come.checkpoint.TensorInfo;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A model that sees images and has a text model inside, which is all that is computed here: data, not code. Its config.json tells of
 * the text model under {@code text_config}; everything else of it is kept as it is.
 *
 * @param modelType {@code model_type} in config.json
 * @param architecture the class that transformers has for it
 * @param models the models that people know it by
 * @param textType the {@code model_type} of the text model where {@code text_config} does not say it
 * @param tied whether the output projection is the embedding where config.json does not say it
 * @param tiedByText whether what {@code text_config} says of that counts too; elsewhere only the top of config.json counts
 * @param flat whether older files have the keys of the text model at the top, without {@code text_config}
 * @param places where the tensors of the text model may lie; the first one that fits counts
 * @param addsToLayers a list in {@code vision_config}: what the images give is added behind as many of the first layers
 * @param checkedBy the fixtures in the test resources that it is checked with
 */
public record Wrapper(String modelType, String architecture, String models, String textType, boolean tied,
        boolean tiedByText, boolean flat, List<Place> places, Optional<String> addsToLayers, List<String> checkedBy) {
    private static final String TEXT = "text_config";
    private static final String VISION = "vision_config";
    private static final String TYPE = "model_type";
    private static final String TIED = Descriptions.TIED;
    /** What the top may say of the text model. */
    private static final List<String> OF_THE_TOP = List.of(Family.END_OF_TEXT, "quantization_config",
            "compression_config");

    /** As transformers 4.52 and later name tensors in memory. */
    private static final Place IN_MODEL = new Place("model.language_model.", "lm_head.weight");
    /** As older releases did, and as transformers saves most of these models to this day. */
    private static final Place BESIDE = new Place("language_model.model.", "language_model.lm_head.weight");
    /** Without the output projection, as saved by transformers' class that has none. */
    private static final Place ALONE = new Place("language_model.", "lm_head.weight");
    private static final Place TEXT_ALONE = new Place("text_model.", "lm_head.weight");
    private static final Place AT_THE_TOP = new Place("model.", "lm_head.weight");
    private static final Place TEXT_MODEL = new Place("model.text_model.", "lm_head.weight");
    private static final List<Place> OF_LLAVA = List.of(BESIDE, IN_MODEL, ALONE);

    /** All of them. */
    public static final List<Wrapper> ALL = List.of(
            new Wrapper("llava", "LlavaForConditionalGeneration", "LLaVA 1.5, Pixtral", "llama", false, true, false,
                    OF_LLAVA, Optional.empty(), List.of("llava")),
            new Wrapper("mistral3", "Mistral3ForConditionalGeneration", "Mistral Small 3.1 and 3.2, Ministral 3",
                    "mistral", true, false, false, OF_LLAVA, Optional.empty(), List.of("mistral3")),
            new Wrapper("gemma3", "Gemma3ForConditionalGeneration", "Gemma 3 from 4B on", "gemma3_text", true, false,
                    false, OF_LLAVA, Optional.empty(), List.of("gemma3-vision")),
            new Wrapper("qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration", "Qwen 2.5 VL", "qwen2_5_vl_text", false,
                    true, true, List.of(IN_MODEL, AT_THE_TOP, ALONE), Optional.empty(),
                    List.of("qwen2_5_vl", "qwen2_5_vl-flat")),
            new Wrapper("qwen3_vl", "Qwen3VLForConditionalGeneration", "Qwen 3 VL", "qwen3_vl_text", false, false,
                    false, List.of(IN_MODEL, ALONE), Optional.of("deepstack_visual_indexes"), List.of("qwen3_vl")),
            new Wrapper("idefics3", "Idefics3ForConditionalGeneration", "Idefics 3, SmolVLM (first)", "llama", false,
                    false, false, List.of(TEXT_MODEL, TEXT_ALONE), Optional.empty(), List.of("idefics3")),
            new Wrapper("smolvlm", "SmolVLMForConditionalGeneration", "SmolVLM 2", "llama", false, false, false,
                    List.of(TEXT_MODEL, TEXT_ALONE), Optional.empty(), List.of("smolvlm")));

    /**
     * Where the tensors of a text model lie.
     *
     * @param base what the names of all begin with but that of the output projection
     * @param head the output projection
     */
    public record Place(String base, String head) {
        /** The name that a tensor of the text model has by itself; none for tensors of other parts. */
        Optional<String> usual(String stored, Family family) {
            return stored.equals(head)
                    ? Optional.of(family.names().head())
                    : Optional.of(stored).filter(name -> name.startsWith(base))
                            .map(name -> family.names().base() + name.substring(base.length()))
                            .filter(name -> UsualNames.isOf(family, name));
        }

        /** The name that a tensor of the text model has in the whole. */
        String stored(String usual, Family family) {
            return usual.equals(family.names().head()) ? head : base + usual.substring(family.names().base().length());
        }
    }

    /** The wrapper that a whole config.json tells of. */
    public static Optional<Wrapper> find(ConfigTree whole) {
        return whole.optionalString(TYPE)
                .flatMap(type -> ALL.stream().filter(one -> one.modelType.equals(type)).findFirst())
                .filter(one -> whole.isObject(TEXT) || one.flat);
    }

    /** What config.json says of the text model, with what it says of it at the top. */
    ConfigTree text(ConfigTree whole) {
        ConfigTree text = ofText(whole);
        boolean tiedAtAll = isTied(whole);
        ConfigTree complete = text.edited(root -> {
            if (tiedAtAll || root.has(TIED) || whole.mentions(TIED)) { // otherwise it is as in the text model's family
                root.put(TIED, tiedAtAll);
            }
            if (!root.hasNonNull(TYPE) || isFlat(whole)) {
                root.put(TYPE, textType);
            }
        });
        for (String key : OF_THE_TOP) {
            complete = complete.mentions(key) ? complete : complete.taking(key, whole);
        }
        return complete;
    }

    /** The whole config.json with another text model in it. */
    public ConfigTree whole(ConfigTree whole, ConfigTree text) {
        boolean isTied = text.bool(TIED, false);
        ConfigTree before = ofText(whole);
        ConfigTree its = text;
        for (String key : Stream.concat(OF_THE_TOP.stream(), Stream.of(TIED, TYPE)).toList()) {
            its = text.mentions(key) ? its.taking(key, before) : its;
        }
        if (before.mentions(TIED) && isTied != isTied(whole)) {
            its = its.edited(root -> root.put(TIED, isTied));
        }
        ConfigTree smaller = isFlat(whole) ? its : whole.with(TEXT, its);
        if (Quantisation.of(text).isEmpty()) {
            smaller = Quantisation.removedFrom(smaller);
        }
        return isTied == isTied(whole) ? smaller : smaller.edited(root -> root.put(TIED, isTied));
    }

    private static boolean isFlat(ConfigTree whole) {
        return !whole.isObject(TEXT);
    }

    private static ConfigTree ofText(ConfigTree whole) {
        return whole.optionalObject(TEXT).orElse(whole);
    }

    private boolean isTied(ConfigTree whole) {
        return whole.bool(TIED, tied) || (tiedByText && ofText(whole).bool(TIED, false));
    }

    /** Where the text model lies; none if there is no embedding in any of the places. */
    Optional<Place> place(List<TensorInfo> tensors, Family family) {
        return places.stream()
                .filter(place -> tensors.stream().map(TensorInfo::name)
                        .anyMatch(place.stored(family.names().embedding(), family)::equals))
                .findFirst();
    }

    /** The headers of the text model alone. */
    CheckpointHeaders textOf(CheckpointHeaders headers) {
        ConfigTree text = text(headers.wholeConfig());
        return Family.find(text).flatMap(family -> place(headers.tensors(), family)
                .map(place -> headers.part(text, name -> place.usual(name, family))))
                .orElseGet(() -> headers.part(text, Optional::of));
    }

    /** How a text model's tensors are called in the files that they come from, and in those that are made of them. */
    public static UnaryOperator<String> storedNames(CheckpointHeaders headers, Family family) {
        return find(headers.wholeConfig()).flatMap(wrapper -> wrapper.place(headers.tensors(), family))
                .<UnaryOperator<String>>map(place -> name -> place.stored(name, family))
                .orElse(UnaryOperator.identity());
    }

    /** The names that a tensor of a text model, other than its output projection, may have in a file: the usual one first. */
    public static Stream<String> possibleNames(String usual) {
        Stream<String> inside = usual.startsWith(AT_THE_TOP.base)
                ? ALL.stream().flatMap(wrapper -> wrapper.places.stream()).map(Place::base).distinct()
                        .map(base -> base + usual.substring(AT_THE_TOP.base.length()))
                : Stream.empty();
        return Stream.concat(Stream.of(usual), inside).distinct();
    }

    /** How many of the first layers must stay where they are, because what the images give is added behind each of them. */
    public static int fixedLayers(CheckpointHeaders headers) {
        ConfigTree whole = headers.wholeConfig();
        return find(whole).map(wrapper -> wrapper.fixedLayers(whole)).orElse(0);
    }

    private int fixedLayers(ConfigTree whole) {
        return addsToLayers.flatMap(
                key -> whole.optionalObject(VISION).flatMap(vision -> vision.optionalNumbers(key)).map(List::size)
                        .or(() -> Optional.of(USUAL_FIXED)))
                .orElse(0);
    }

    /** What a user should know. */
    String remark(CheckpointHeaders headers) {
        int fixed = fixedLayers(headers.wholeConfig());
        return "what is told, measured and changed is the text part of a model of type " + modelType + "; its "
                + headers.others().size() + " other tensors are kept as they are" + (fixed == 0
                        ? ""
                        : ", and so are the layers 0 to " + (fixed - 1)
                                + ", behind each of which it adds what images give");
    }

    /** As many as Qwen3VLVisionConfig names where config.json does not. */
    private static final int USUAL_FIXED = 3;
}
