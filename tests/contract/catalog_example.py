"""A catalog with everything in it."""

EXAMPLE = """\
products:
  - {identifier: suite, name: Suite, taxCode: saas, description: "Everything.\\nAt once."}
  - {identifier: books, name: Books, taxCode: ebook, currency: EUR}

features:
  - {identifier: sso, name: Single sign-on, type: BOOLEAN, metadata: {group: security, weight: 1.50}}
  - {identifier: seats, name: Seats, type: CUSTOMIZABLE, description: People at work.}
  - identifier: calls
    name: API calls
    type: METER
    featureDetails: {featureSubType: PRE_AGGREGATED_USAGE, units: {singular: call, plural: calls}}
  - identifier: events
    name: Events
    type: METER
    featureDetails: {featureSubType: RAW_EVENTS, units: {singular: event, plural: events}}
    meter:
      aggregation: {function: SUM, field: bytes}
      filters: [{field: eventName, operator: EQUALS, value: upload}]

plans:
  - identifier: pro
    name: Pro
    product: suite
    basePlan: starter
    ordering: 2
    metadata: {badge: "yes", "no": null}
    license: {enabled: true, activationLimit: 3, activationLimitEnabled: true}
    links: [{name: Chat, url: "https://chat.example.com/"}]
    entitlements:
      - {feature: seats, value: 2.5}
      - feature: calls
        value: 10000
        reset: EVERY_MONTH
        resetTime: SUBSCRIPTION_START
        hardLimit: true
        rollover: {enabled: true, percentage: 50, limit: 750}
        usageAlerts: {enabled: true, thresholds: [75, 90.5]}
        tooltip: {text: Counted by month, order: 1}
    prices:
      - priceType: PAID
        currency: EUR
        chargeCatalogPrice:
          - charges:
              - {chargePeriod: YEARLY, priceData: {amount: 450}}
              - {chargePeriod: QUARTERLY, priceData: {amount: 119.50}}
          - feature: calls
            priceModel: TIERED
            charges:
              - chargePeriod: QUARTERLY
                tiers: [{upTo: 1000, unitAmount: 0.012}, {upTo: inf, unitAmount: 0.010, flatAmount: 5}]
              - {chargePeriod: YEARLY, tiers: [{upTo: null, unitAmount: 0.011}]}
      - priceType: PAID
        freeTrial: true
        trialPeriod: 14
        taxBehavior: INCLUSIVE
        chargeCatalogPrice:
          - charges:
              - {chargePeriod: QUARTERLY, priceData: {amount: 129}}
              - {chargePeriod: YEARLY, priceData: {amount: 490}}
          - feature: calls
            priceModel: TIERED
            reset: EVERY_MONTH
            charges:
              - {chargePeriod: QUARTERLY, tiers: [{upTo: inf, unitAmount: 0.013}]}
              - {chargePeriod: YEARLY, tiers: [{upTo: inf, unitAmount: 0.013}]}
  - identifier: starter
    name: Starter
    product: suite
    entitlements: [{feature: sso, value: false}, {feature: calls, hasUnlimitedUsage: true}]
    prices: [{priceType: FREE}]
  - identifier: usage
    name: By usage
    product: suite
    isVisible: false
    prices:
      - priceType: PAID
        chargeCatalogPrice:
          - {feature: events, priceModel: VOLUME, paymentType: PAY_AS_YOU_GO,
             charges: [{chargePeriod: MONTHLY, tiers: [{upTo: 10, unitAmount: 1}, {upTo: inf, unitAmount: 0.9}]}]}
          - {feature: calls, priceModel: PACKAGE, paymentType: PAY_AS_YOU_GO,
             charges: [{chargePeriod: MONTHLY, priceData: {amount: 2, block_size: 1000}}]}
  - identifier: shelf
    name: Shelf
    product: books
    prices:
      - priceType: PAID
        chargeCatalogPrice:
          - charges: [{chargePeriod: ONE_TIME, priceData: {amount: 19.99}}]
          - feature: calls
            charges: [{chargePeriod: ONE_TIME, priceData: {amount: 1}, advanced: {minQuantity: 1, max_quantity: 5}}]
"""
