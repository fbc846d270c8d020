package dev.come.demo;

import java.util.List;

/** The words that {@link Stories} are told with. */
final class StoryWords {
    static final List<String> WOMEN = List.of("Anna", "Clara", "Emma", "Julia", "Laura", "Sarah");
    static final List<String> MEN = List.of("Adam", "Ben", "David", "Oscar", "Peter", "Tom");
    static final List<String> JOBS = List.of("baker", "doctor", "driver", "farmer", "painter", "sailor",
            "singer", "teacher");
    static final List<String> PLACES = List.of("barn", "forest", "garden", "harbour", "kitchen", "market",
            "school", "tower");
    static final List<String> CONTAINERS = List.of("bag", "basket", "box", "drawer");
    static final List<String> THINGS = List.of("apple", "ball", "book", "coin", "cup", "key", "lamp", "shell");
    static final List<String> COLOURS = List.of("black", "blue", "green", "red", "white", "yellow");
    static final List<String> ADJECTIVES = List.of("broken", "clean", "heavy", "old", "round", "small");
    static final List<String> NUMBERS = List.of("zero", "one", "two", "three", "four", "five", "six", "seven",
            "eight", "nine", "ten", "eleven", "twelve");

    static final List<Animal> ANIMALS = List.of(
            new Animal("bird", new Verb("sings", "sing", "sang"), new Verb("flies", "fly", "flew")),
            new Animal("cat", new Verb("purrs", "purr", "purred"), new Verb("climbs", "climb", "climbed")),
            new Animal("cow", new Verb("grazes", "graze", "grazed"), new Verb("moos", "moo", "mooed")),
            new Animal("dog", new Verb("barks", "bark", "barked"), new Verb("digs", "dig", "dug")),
            new Animal("duck", new Verb("swims", "swim", "swam"), new Verb("dives", "dive", "dived")),
            new Animal("horse", new Verb("gallops", "gallop", "galloped"), new Verb("jumps", "jump", "jumped")));
    static final List<Verb> DEEDS = List.of(new Verb("fears", "fear", "feared"),
            new Verb("follows", "follow", "followed"), new Verb("helps", "help", "helped"),
            new Verb("hears", "hear", "heard"), new Verb("likes", "like", "liked"), new Verb("sees", "see", "saw"));

    /** Third person singular, plural, and past. */
    record Verb(String singular, String plural, String past) {
        String form(boolean many, boolean inThePast) {
            return inThePast ? past : many ? plural : singular;
        }
    }

    /** An animal and what only it does. */
    record Animal(String name, List<Verb> habits) {
        Animal(String name, Verb... habits) {
            this(name, List.of(habits));
        }
    }

    private StoryWords() {
    }
}
